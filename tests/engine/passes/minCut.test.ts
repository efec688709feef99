/** The smallest cut, against trying every cut, and its choice among equals. */
import { describe, expect, it } from 'vitest';
import { FlowGraph } from '../../../engine/passes/minCut.ts';
import { testRandom } from '../../support/arrays.ts';

type Edge = readonly [number, number, number];

function cutOf(nodes: number, edges: readonly Edge[]): ReadonlySet<number> {
  const graph = new FlowGraph();
  for (let i = 0; i < nodes; i++) graph.addNode();
  for (const [from, to, capacity] of edges) graph.addEdge(from, to, capacity);
  const sinkSide = graph.minCut(0, nodes - 1);
  return new Set(Array.from({ length: nodes }, (_, i) => i).filter(sinkSide));
}

const weight = (edges: readonly Edge[], sinkSide: ReadonlySet<number>): number =>
  edges.reduce((sum, [a, b, c]) => sum + (!sinkSide.has(a) && sinkSide.has(b) ? c : 0), 0);

describe('the smallest cut', () => {
  it.each(Array.from({ length: 30 }, (_, i) => i))('random graph %i', (seed) => {
    const random = testRandom('cut', seed);
    const nodes = 7;
    const edges = Array.from({ length: 14 }, (): Edge => {
      const from = random.below(nodes - 1);
      return [from, from + 1 + random.below(nodes - 1 - from), random.below(6) === 0 ? Infinity : random.below(9)];
    });
    const best = Math.min(
      ...Array.from({ length: 2 ** (nodes - 2) }, (_, mask) => {
        const inner = Array.from({ length: nodes - 2 }, (_v, i) => i + 1).filter((i) => mask & (1 << (i - 1)));
        return weight(edges, new Set([...inner, nodes - 1]));
      }),
    );
    if (best === Infinity) {
      expect(() => cutOf(nodes, edges)).toThrow(/without a limit/);
      return;
    }
    const cut = cutOf(nodes, edges);
    expect(cut.has(nodes - 1)).toBe(true);
    expect(cut.has(0)).toBe(false);
    expect(weight(edges, cut)).toBe(best);
  });

  it('takes the one nearest to the sink', () => {
    expect([
      ...cutOf(4, [
        [0, 1, 2],
        [1, 2, 2],
        [2, 3, 2],
      ]),
    ]).toEqual([3]);
  });

  it('goes back on a first choice', () => {
    const edges: Edge[] = [
      [0, 1, 1],
      [0, 2, 1],
      [1, 2, 1],
      [1, 3, 1],
      [2, 3, 1],
    ];
    expect(weight(edges, cutOf(4, edges))).toBe(2);
  });
});
