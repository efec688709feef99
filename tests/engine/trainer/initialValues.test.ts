import { describe, expect, it } from 'vitest';
import type { EntryParameter } from '../../../engine/compile/model.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { tensorType, type Shape } from '../../../engine/ir/types.ts';
import type { InitSpec } from '../../../engine/nodekit/init.ts';
import { computeInitial, initialValues } from '../../../engine/trainer/initialValues.ts';

const weight = { values: Float32Array.of(3, 4, 0, 6, 8, 0), shape: [2, 3] };
const compute = (init: InitSpec, shape: readonly number[], path = 'p', seed = 1, segment = 0): number[] =>
  Array.from(computeInitial({ path, shape, init, seed, segment, weight: () => weight }));

describe('initial values', () => {
  it('fills constants and diagonals', () => {
    expect(compute({ kind: 'constant', value: 2 }, [3])).toEqual([2, 2, 2]);
    expect(compute({ kind: 'diagonal', diagonal: 1, rest: -2 }, [2, 3])).toEqual([1, -2, -2, -2, 1, -2]);
  });

  it('copies a weight, and takes norms of its rows or columns', () => {
    expect(compute({ kind: 'copy', weight: 'w' }, [2, 3])).toEqual([3, 4, 0, 6, 8, 0]);
    expect(compute({ kind: 'rowNorm', weight: 'w', inputAxis: 1 }, [2])).toEqual([5, 10]);
    const columns = compute({ kind: 'rowNorm', weight: 'w', inputAxis: 0 }, [3]);
    expect(columns[0]).toBeCloseTo(Math.sqrt(45), 6);
    expect(columns[2]).toBe(0);
  });

  it('samples different rows of the first ones of a table', () => {
    const table = { values: Float32Array.from({ length: 40 }, (_, i) => Math.floor(i / 2)), shape: [20, 2] };
    const init: InitSpec = { kind: 'sampleRows', weight: 'w', among: 10 };
    const rows = Array.from(
      computeInitial({ path: 'p', shape: [10, 2], init, seed: 3, segment: 0, weight: () => table }),
    );
    const first = rows.filter((_, i) => i % 2 === 0);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(first).not.toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('draws the distributions', () => {
    const uniform = compute({ kind: 'uniform', low: -0.5, high: 0.5 }, [2000]);
    expect(Math.max(...uniform)).toBeLessThan(0.5);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-0.5);
    const cut = compute({ kind: 'truncatedNormal', std: 1, limit: 0.7 }, [2000]);
    expect(Math.max(...cut.map(Math.abs))).toBeLessThanOrEqual(Math.fround(0.7));
    const normal = compute({ kind: 'normal', mean: 1, std: 0.02 }, [4000]);
    const mean = normal.reduce((a, b) => a + b) / normal.length;
    const deviation = Math.sqrt(normal.reduce((a, x) => a + (x - mean) ** 2, 0) / normal.length);
    expect(mean).toBeCloseTo(1, 2);
    expect(deviation).toBeCloseTo(0.02, 3);
  });

  it('gives every parameter and segment a stream of its own, by path', () => {
    const init: InitSpec = { kind: 'normal', mean: 0, std: 1 };
    expect(compute(init, [4])).toEqual(compute(init, [4]));
    expect(compute(init, [4], 'q')).not.toEqual(compute(init, [4]));
    expect(compute(init, [4], 'p', 2)).not.toEqual(compute(init, [4]));
    expect(compute(init, [4], 'p', 1, 1)).not.toEqual(compute(init, [4]));
  });

  it('does not depend on the other parameters or their order', () => {
    const trainable = (name: string, shape: Shape, init: InitSpec, initFrom?: string): EntryParameter => ({
      name,
      path: name,
      paths: [name],
      role: 'trainable',
      type: tensorType('f32', shape),
      scope: 'layer',
      init,
      ...(initFrom === undefined ? {} : { initFrom }),
    });
    const base: EntryParameter = {
      name: 'backbone:w',
      path: 'tied/weight',
      paths: ['tied/weight', 'layers/0/weight'],
      role: 'weight',
      type: tensorType('f32', [2, 3]),
      scope: 'layer',
    };
    const a = trainable('a', [4], { kind: 'normal', mean: 0, std: 1 });
    const b = trainable('b', [2, symbol('r')], { kind: 'uniform', low: 0, high: 1 });
    const m = trainable('m', [2], { kind: 'rowNorm', weight: 'weight', inputAxis: 1 }, 'layers/0/weight');
    const reader = {
      read: (name: string): Float32Array => {
        expect(name).toBe('backbone:w');
        return weight.values;
      },
    };
    const sizes = new Map([['r', 3]]);
    const all = initialValues([base, a, b, m], reader, 5, sizes);
    const other = initialValues([m, b, base, a], reader, 5, sizes);
    expect([...all.keys()]).toEqual(['a', 'b', 'm']);
    expect(all.get('b')!.shape).toEqual([2, 3]);
    for (const [name, t] of all) expect(other.get(name)).toEqual(t);
    expect(initialValues([a], reader, 5).get('a')).toEqual(all.get('a'));
    expect([...(all.get('m')!.data as Float32Array)]).toEqual([5, 10]);
  });
});
