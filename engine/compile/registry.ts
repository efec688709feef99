/** The node types that a compilation knows. A type that stands twice is refused: lists never win by order. */
import { BugError } from '../base/errors.ts';
import type { AnyNode } from '../nodekit/node.ts';

export interface NodeRegistry {
  readonly all: readonly AnyNode[];
  get(type: string): AnyNode | undefined;
}

export function makeRegistry(nodes: readonly AnyNode[]): NodeRegistry {
  const byType = new Map<string, AnyNode>();
  for (const node of nodes) {
    if (byType.has(node.type)) throw new BugError(`two nodes have the type "${node.type}"`);
    byType.set(node.type, node);
  }
  return { all: nodes, get: (type) => byType.get(type) };
}
