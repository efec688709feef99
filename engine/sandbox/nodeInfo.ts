/** A node type without its functions, as the page knows it. */
import type { AnyNode } from '../nodekit/node.ts';
import type { NodeTypeInfo } from '../protocol/api/catalog.ts';

export function nodeInfo(node: AnyNode): NodeTypeInfo {
  const { type, version, docs, inputs, outputs, params, bypass, peft } = node;
  return {
    type,
    version,
    ...docs,
    inputs,
    outputs,
    params,
    bypass: bypass.kind,
    ...(peft ? { peft: { startPoint: peft.startPoint.kind, mergeable: peft.mergeable } } : {}),
    bank: node.bank === true,
  };
}
