/** Cycles in a directed graph: Tarjan's strongly connected components, iterative, and one shortest cycle of each. */

/**
 * One cycle for every strongly connected component with more than one member, or with a self loop when `selfLoops` is on.
 * A cycle lists its members in the direction of the arcs; the last leads back to the first. Time is linear in the arcs.
 */
export function findCycles<T>(
  nodes: Iterable<T>,
  successors: (node: T) => readonly T[],
  selfLoops = false,
): readonly (readonly T[])[] {
  const cycles: (readonly T[])[] = [];
  for (const component of components(nodes, successors)) {
    const [first] = component;
    if (first === undefined) continue;
    if (component.length > 1) cycles.push(shortestCycle(first, new Set(component), successors));
    else if (selfLoops && successors(first).includes(first)) cycles.push([first]);
  }
  return cycles;
}

/** Strongly connected components (Tarjan 1972) with an explicit stack, so that depth is bounded by memory only. */
function components<T>(nodes: Iterable<T>, successors: (node: T) => readonly T[]): readonly (readonly T[])[] {
  const index = new Map<T, number>();
  const low = new Map<T, number>();
  const open: T[] = [];
  const isOpen = new Set<T>();
  const found: T[][] = [];

  for (const root of nodes) {
    if (index.has(root)) continue;
    const frames: { readonly node: T; readonly next: readonly T[]; at: number }[] = [];
    const enter = (node: T): void => {
      index.set(node, index.size);
      low.set(node, index.size - 1);
      open.push(node);
      isOpen.add(node);
      frames.push({ node, next: successors(node), at: 0 });
    };
    const lower = (node: T, value: number): void => void low.set(node, Math.min(low.get(node) ?? value, value));
    enter(root);
    for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
      const { node } = frame;
      if (frame.at < frame.next.length) {
        const child = frame.next[frame.at++] as T;
        if (!index.has(child)) enter(child);
        else if (isOpen.has(child)) lower(node, index.get(child) ?? 0);
        continue;
      }
      frames.pop();
      const parent = frames.at(-1);
      if (parent !== undefined) lower(parent.node, low.get(node) ?? 0);
      if (low.get(node) === index.get(node)) found.push(closeComponent(node, open, isOpen));
    }
  }
  return found;
}

function closeComponent<T>(root: T, open: T[], isOpen: Set<T>): T[] {
  const component = open.splice(open.lastIndexOf(root));
  for (const member of component) isOpen.delete(member);
  return component;
}

/** A shortest cycle through `start`, by breadth-first search inside its component. */
function shortestCycle<T>(start: T, members: ReadonlySet<T>, successors: (node: T) => readonly T[]): readonly T[] {
  const cameFrom = new Map<T, T>();
  const queue: T[] = [start];
  for (let i = 0; i < queue.length; i++) {
    const node = queue[i] as T;
    for (const next of successors(node)) {
      if (next === start) return walkBack(node, start, cameFrom);
      if (!members.has(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return [start];
}

function walkBack<T>(last: T, start: T, cameFrom: ReadonlyMap<T, T>): readonly T[] {
  const path = [last];
  for (let node = last; node !== start;) {
    node = cameFrom.get(node) as T;
    path.push(node);
  }
  return path.reverse();
}
