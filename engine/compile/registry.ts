/** The node types that a compilation knows. A type that stands twice is refused: lists never win by order. */
import { BugError } from '../base/errors.ts';
import type { AnyNode } from '../nodekit/node.ts';

export interface NodeRegistry {
  readonly all: readonly AnyNode[];
  get(type: string): AnyNode | undefined;
  /** Why a type is not there though something is known of it: a custom node that is not trusted or does not load. */
  absent?(type: string): { readonly message: string; readonly fix: string } | undefined;
}

/** Node types that may come and go while the program runs: custom nodes. */
export interface MoreNodes {
  nodes(): readonly AnyNode[];
  get(type: string): AnyNode | undefined;
  absent(type: string): { readonly message: string; readonly fix: string } | undefined;
}

export function makeRegistry(nodes: readonly AnyNode[], more?: MoreNodes): NodeRegistry {
  const byType = new Map<string, AnyNode>();
  for (const node of nodes) {
    if (byType.has(node.type)) throw new BugError(`two nodes have the type "${node.type}"`);
    byType.set(node.type, node);
  }
  if (!more) return { all: nodes, get: (type) => byType.get(type) };
  return {
    get all() {
      return [...nodes, ...more.nodes()];
    },
    get: (type) => byType.get(type) ?? more.get(type),
    absent: (type) => more.absent(type),
  };
}
