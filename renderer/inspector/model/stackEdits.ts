/** Edits of a stack's own settings; splitting, joining and unrolling are the protocol's. */
import { fail, ok } from '../../../engine/base/result.ts';
import { stackName, type Document, type Node, type StackSettings } from '../../../engine/protocol/document.ts';
import { graphAt, nodeAt, replaceNode, type EditResult, type ModelNodeAddress } from '../../../engine/protocol/edit.ts';
import { entriesOf, isIdentifier, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import { MAX_LAYERS } from '../../../engine/protocol/schema.ts';

const refused = (message: string, fix: string): EditResult =>
  fail([{ code: 'stack-refused', severity: 'warning', where: {}, message, fix }]);

export const setStack =
  (at: ModelNodeAddress, change: Partial<Pick<StackSettings, 'repeat' | 'first' | 'weights'>>) =>
  (document: Document): EditResult => {
    const node = nodeAt(document, at);
    if (node?.stack === undefined) return refused(`"${at.node}" is no stack.`, 'Select a stack.');
    const stack = { ...node.stack, ...change };
    if (stack.repeat < 1 || stack.repeat > MAX_LAYERS)
      return refused(`A stack has 1 to ${MAX_LAYERS} layers.`, 'Give another number.');
    return ok(replaceNode(document, at, { ...node, stack }));
  };

export type PortSide = 'carry' | 'broadcast' | 'collect';

export const setPorts =
  (at: ModelNodeAddress, side: PortSide, ports: readonly string[]) =>
  (document: Document): EditResult => {
    const node = nodeAt(document, at);
    if (node?.stack === undefined) return refused(`"${at.node}" is no stack.`, 'Select a stack.');
    const wrong = ports.find((p) => !isIdentifier(p));
    if (wrong !== undefined) return refused(`"${wrong}" is no name of a port.`, 'Use letters, digits, "_" and "-".');
    if (side === 'carry' && ports.length === 0) return refused('A stack carries one port at least.', 'Keep one.');
    const others = (['carry', 'broadcast', 'collect'] as const).filter((s) => s !== side);
    const twice = ports.find((p) => others.some((s) => (node.stack as StackSettings)[s].includes(p as PortId)));
    if (twice !== undefined) return refused(`The stack has a port "${twice}" already.`, 'Choose another name.');
    return ok(replaceNode(document, at, { ...node, stack: { ...node.stack, [side]: ports as readonly PortId[] } }));
  };

export interface StackPart {
  readonly id: NodeId;
  readonly stack: StackSettings;
}

/** Parts of the same split stack that come right before or after this one. */
export function neighbours(document: Document, at: ModelNodeAddress): readonly StackPart[] {
  const graph = graphAt(document, at.graph);
  const own = graph?.nodes[at.node]?.stack;
  if (graph === undefined || own === undefined) return [];
  const name = stackName(at.node, own);
  return entriesOf<NodeId, Node>(graph.nodes)
    .flatMap(([id, { stack }]) =>
      stack !== undefined && id !== at.node && stackName(id, stack) === name ? [{ id, stack }] : [],
    )
    .filter(({ stack }) => stack.first === own.first + own.repeat || stack.first + stack.repeat === own.first)
    .sort((a, b) => a.stack.first - b.stack.first);
}

/** `layers 0 to 3` */
export const rangeText = ({ first, repeat }: StackSettings): string =>
  repeat === 1 ? `layer ${first}` : `layers ${first} to ${first + repeat - 1}`;
