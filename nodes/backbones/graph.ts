/** Short ways to write nodes and wires of a document's graph, for backbones and presets. */
import type { Edge, Node, Params } from '../../engine/protocol/document.ts';
import { nodeId, portId, WALL_IN, WALL_OUT, type NodeId } from '../../engine/protocol/ids.ts';

export type Entry = readonly [NodeId, Node];

export const makeNode = (
  id: string,
  type: string,
  params: Params = {},
  extra: Partial<Omit<Node, 'type' | 'version' | 'params'>> = {},
): Entry => [nodeId(id), { type, version: 1, params, ...extra }];

/** `a.port -> b.port`; `$in` and `$out` are the wall. */
export function wire(text: string): Edge {
  const [from, to] = text.split(' -> ') as [string, string];
  const end = (side: string) => {
    const [node, port] = side.split('.') as [string, string];
    return { node: node === '$in' ? WALL_IN : node === '$out' ? WALL_OUT : nodeId(node), port: portId(port) };
  };
  return { from: end(from), to: end(to) };
}
