/** Smallest cut of a directed graph with capacities (Dinic 1970). Of all smallest cuts it gives the one nearest to the sink. */

import { BugError } from '../base/errors.ts';

interface Edge {
  readonly to: number;
  capacity: number;
  /** Index of the opposite edge in the list of `to`. */
  readonly back: number;
}

export class FlowGraph {
  readonly #edges: Edge[][] = [];

  addNode(): number {
    return this.#edges.push([]) - 1;
  }

  /** Capacities are whole numbers or Infinity, so that sums are exact. */
  addEdge(from: number, to: number, capacity: number): void {
    const [out, into] = [this.#of(from), this.#of(to)];
    out.push({ to, capacity, back: into.length });
    into.push({ to: from, capacity: 0, back: out.length - 1 });
  }

  /** Saturates the graph, then tells which nodes are on the sink's side: those that can still reach the sink. */
  minCut(source: number, sink: number): (node: number) => boolean {
    for (let levels = this.#levels(source); levels[sink] !== -1; levels = this.#levels(source)) {
      const next = this.#edges.map(() => 0);
      for (let sent = 1; sent > 0;) {
        sent = this.#push(source, sink, Infinity, levels, next);
        if (sent === Infinity) throw new BugError('the graph has a way from source to sink without a limit');
      }
    }
    const reaching = this.#reaching(sink);
    return (node) => reaching.has(node);
  }

  #of(node: number): Edge[] {
    const edges = this.#edges[node];
    if (!edges) throw new BugError(`the graph has no node ${node}`);
    return edges;
  }

  /** Distance from the source over edges with capacity left; -1 where there is no way. */
  #levels(source: number): number[] {
    const levels = this.#edges.map(() => -1);
    levels[source] = 0;
    const queue = [source];
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const e of this.#of(at)) {
        if (e.capacity <= 0 || levels[e.to] !== -1) continue;
        levels[e.to] = (levels[at] as number) + 1;
        queue.push(e.to);
      }
    }
    return levels;
  }

  /** Sends flow along one way of growing distance; `next` skips edges that led nowhere. */
  #push(at: number, sink: number, limit: number, levels: readonly number[], next: number[]): number {
    if (at === sink) return limit;
    const edges = this.#of(at);
    for (; (next[at] as number) < edges.length; next[at] = (next[at] as number) + 1) {
      const e = edges[next[at] as number] as Edge;
      if (e.capacity <= 0 || levels[e.to] !== (levels[at] as number) + 1) continue;
      const sent = this.#push(e.to, sink, Math.min(limit, e.capacity), levels, next);
      if (sent <= 0) continue;
      e.capacity -= sent;
      (this.#of(e.to)[e.back] as Edge).capacity += sent;
      return sent;
    }
    return 0;
  }

  #reaching(sink: number): ReadonlySet<number> {
    const reached = new Set([sink]);
    const queue = [sink];
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const e of this.#of(at)) {
        const into = this.#of(e.to)[e.back] as Edge;
        if (into.capacity <= 0 || reached.has(e.to)) continue;
        reached.add(e.to);
        queue.push(e.to);
      }
    }
    return reached;
  }
}
