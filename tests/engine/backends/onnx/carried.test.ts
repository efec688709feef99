/** What the lowering carries instead of writing it out: factors, offsets, broadcasts, reshapes, rows in another order. */
import { describe, expect, it } from 'vitest';
import { lowerProgram } from '../../../../engine/backends/onnx/lower.ts';
import * as b from '../../../../engine/ir/build.ts';
import { symbol } from '../../../../engine/ir/dim.ts';
import type { Program } from '../../../../engine/ir/program.ts';
import type { Tensor } from '../../../../engine/ir/tensor.ts';
import { tensorType, type DType, type Shape } from '../../../../engine/ir/types.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { array, randomArray, relativeError, testRandom } from '../../../support/arrays.ts';
import { programOf, runProgram, type Feeds } from '../../../support/gradients.ts';
import { rounded, runOnnx, withExecutable } from '../support.ts';

type Params = Readonly<Record<string, readonly [DType, Shape]>>;

function program(params: Params, build: (p: Readonly<Record<string, Tensor>>) => readonly Tensor[]): Program {
  const builder = new FnBuilder();
  const made = Object.entries(params).map(
    ([n, [dtype, shape]]) => [n, builder.param(n, 'input', tensorType(dtype, shape))] as const,
  );
  const results = build(Object.fromEntries(made)).map((value, i) => ({ name: `y${i}`, value }));
  const symbols = ['N', 'B', 'T'].map((name) => ({ name, min: 1, max: 64 }));
  return { ...programOf(builder.finish('main', results)), symbols };
}

async function expectEqual(p: Program, feeds: Feeds, tolerance = 2e-6): Promise<void> {
  const inputs = rounded(feeds);
  const want = runProgram(p, inputs);
  const got = await withExecutable(p, {}, (e) => runOnnx(e, inputs));
  for (const [name, y] of want) expect(relativeError(got.get(name)!, y), name).toBeLessThan(tolerance);
}

/** Kinds of the nodes that a program becomes. */
const nodesOf = (p: Program): readonly string[] =>
  lowerProgram(p)
    .graph.nodes.map((n) => n.op)
    .sort();

describe('factors and offsets', () => {
  const random = testRandom('carried');
  const X: Params = { x: ['f32', [3, 4]], r: ['f32', [4]], c: ['f32', [3, 1]], w: ['f32', [4, 4]] };
  const feeds: Feeds = new Map(
    Object.entries(X).map(([name, [, shape]]) => [name, randomArray(random, { shape: shape as number[] })]),
  );

  it.each(Array.from({ length: 40 }, (_, i) => i))('random chain %i', async (seed) => {
    const draw = testRandom('chain', seed);
    const number = (): number => [2, -1, 0.5, -3, 1, 0.1][draw.below(6)]!;
    const steps: readonly ((v: Tensor, p: Readonly<Record<string, Tensor>>) => Tensor)[] = [
      (v) => b.mul(v, number()),
      (v) => b.add(v, number()),
      (v) => b.sub(number(), v),
      (v) => b.div(v, number()),
      (v) => b.neg(v),
      (v) => b.erf(v),
      (v) => b.mul(b.add(b.tanh(v), 1), 0.5),
      (v, p) => b.mul(v, b.mul(p['r']!, number())),
      (v, p) => b.add(b.mul(v, number()), b.mul(p['c']!, number())),
      (v, p) => b.sub(b.mul(p['x']!, number()), v),
      (v, p) => b.div(v, b.add(b.mul(p['c']!, p['c']!), 1)),
      (v, p) => b.mul(b.matmul(v, b.mul(p['w']!, number())), number()),
      (v) => b.add(v, b.broadcastTo(b.mul(b.sum(v, [-1], true), number()), [3, 4])),
      (v) => b.reshape(b.reshape(b.mul(v, number()), [12]), [3, 4]),
      (v) => b.transpose(b.transpose(b.mul(v, number()), [1, 0]), [1, 0]),
      (v) => b.concat([b.slice(b.mul(v, 2), -1, 2, 2), b.slice(v, -1, 0, 2)], -1),
      (v) => b.add(v, b.constant(v, 'f32', [3, 4], number())),
      (v) => b.barrier(b.mul(v, number()), v),
      (v) => b.softmax(b.mul(v, number())),
    ];
    const p = program(X, (t) => {
      const pool = [t['x']!];
      for (let i = 0; i < 8; i++) {
        const v = steps[draw.below(steps.length)]!(pool[pool.length - 1]!, t);
        pool.push(draw.below(3) === 0 ? b.mul(b.tanh(b.add(v, pool[draw.below(pool.length)]!)), 0.7) : v);
      }
      return pool.slice(-3);
    });
    await expectEqual(p, feeds, 2e-5);
  });

  it('a huge factor is applied at once, so that nothing overflows or vanishes on the way', async () => {
    const p = program(X, ({ x }) => [b.mul(b.mul(x!, 1e30), b.mul(x!, 1e-30)), b.mul(b.mul(x!, 1e-30), 1e30)]);
    await expectEqual(p, feeds);
  });

  it('a product of a scale, a transposition and a matrix product is one node', () => {
    const p = program({ x: ['f32', [3, 4]], w: ['f32', [5, 4]] }, ({ x, w }) => [
      b.mul(b.matmul(b.mul(x!, 0.5), w!, { transposeB: true }), 3),
    ]);
    expect(nodesOf(p)).toEqual(['FusedMatMul']);
  });

  it('a factor that several products with tensors would apply is applied once', () => {
    const p = program(X, ({ x, w }) => {
      const scaled = b.mul(b.matmul(x!, w!), 0.3);
      const y = b.mul(b.exp(scaled), 0.7);
      return [b.mul(y, x!), b.mul(y, b.exp(x!))];
    });
    expect(nodesOf(p)).toEqual(['Exp', 'Exp', 'FusedMatMul', 'Mul', 'Mul', 'Mul']);
  });

  it('half of one plus erf is one node after erf, a broadcast none', () => {
    const p = program(X, ({ x, r }) => [
      b.mul(b.add(b.erf(b.broadcastTo(r!, [3, 4])), 1), 0.5),
      b.add(x!, b.broadcastTo(r!, [3, 4])),
    ]);
    expect(nodesOf(p)).toEqual(['Add', 'Erf', 'Expand', 'HardSigmoid']);
  });
});

describe('rows in another order', () => {
  const [N, B, T] = [symbol('N'), symbol('B'), symbol('T')];
  const random = testRandom('rows');
  const PACKED: Params = { x: ['f32', [N, 16]], index: ['i32', [N]] };
  const heads = (x: Tensor): Tensor => b.transpose(b.reshape(x, [B, T, 2, 8]), [0, 2, 1, 3]);
  const joined = (x: Tensor): Tensor => b.reshape(b.transpose(x, [0, 2, 1, 3]), [B, T, 16]);
  // B and T are bound by a value of that shape.
  const SIZED: Params = { ...PACKED, sizes: ['f32', [B, T]] };
  const feeds = (rows: readonly number[], batch: number, length: number): Feeds =>
    new Map<string, NDArray>([
      ['x', randomArray(random, { shape: [rows.length, 16] })],
      ['index', array('i32', [rows.length], rows)],
      ['sizes', randomArray(random, { shape: [batch, length] })],
    ]);

  it('unpacking, splitting in heads and back is a Gather each way, at every size', async () => {
    const p = program(SIZED, ({ x, index, sizes }) => {
      const split = heads(b.unpack(b.mul(x!, 2), index!, B, T));
      const moved = b.add(split, b.reshape(sizes!, [B, 1, T, 1]));
      return [moved, b.pack(joined(moved), index!, N)];
    });
    expect(nodesOf(p).filter((op) => op === 'Gather')).toHaveLength(2);
    expect(nodesOf(p)).not.toContain('Transpose');
    await withExecutable(p, {}, async (executable) => {
      for (const f of [feeds([0, 1, 3, 5], 2, 3), feeds([2], 1, 4), feeds([0, 1, 2, 3, 4, 5, 6, 7], 2, 4)]) {
        const inputs = rounded(f);
        const [want, got] = [runProgram(p, inputs), await runOnnx(executable, inputs)];
        for (const [name, y] of want) expect(relativeError(got.get(name)!, y), name).toBeLessThan(1e-6);
      }
    });
  });

  it.each([
    ['with the batch axis moved', (x: Tensor) => b.transpose(b.reshape(x, [B, T, 2, 8]), [2, 1, 0, 3])],
    ['transposed twice', (x: Tensor) => b.transpose(heads(x), [1, 0, 2, 3])],
    ['merged across heads first', (x: Tensor) => b.transpose(b.reshape(heads(x), [B, 2, T, 4, 2]), [0, 1, 3, 2, 4])],
    [
      'split narrower',
      (x: Tensor) => b.transpose(b.reshape(b.reshape(x, [B, T, 4, 4]), [B, T, 2, 2, 4]), [0, 3, 1, 2, 4]),
    ],
    ['the last axis moved', (x: Tensor) => b.transpose(b.reshape(x, [B, T, 2, 8]), [0, 2, 3, 1])],
    ['padded and sliced between', (x: Tensor) => heads(b.slice(b.pad(x, -1, 0, 4), -1, 0, 16))],
    ['behind a barrier', (x: Tensor) => heads(b.barrier(x, b.exp(x)))],
  ])('unpacked rows, %s', async (_what, move) => {
    const p = program(SIZED, ({ x, index, sizes }) => [move(b.unpack(x!, index!, B, T)), b.exp(sizes!)]);
    await expectEqual(p, feeds([0, 2, 3, 4], 2, 3));
  });

  it('with indices that only the graph knows', async () => {
    const p = program({ ...SIZED, at: ['f32', [N]] }, ({ x, at, sizes }) => {
      const index = b.cast(at!, 'i32');
      const padded = b.add(b.unpack(x!, index, B, T), b.reshape(sizes!, [B, T, 1]));
      return [padded, b.pack(joined(heads(padded)), index, N)];
    });
    const f = feeds([0, 1, 3, 5], 2, 3);
    await expectEqual(p, new Map([...f, ['at', array('f32', [4], [0, 1, 3, 5])]]));
  });

  it('of whole numbers and of booleans', async () => {
    const p = program({ ...SIZED, n: ['i32', [N, 16]] }, ({ n, index, sizes }) => {
      const rows = b.unpack(n!, index!, B, T);
      return [heads(rows), heads(b.lt(rows, b.cast(b.reshape(sizes!, [B, T, 1]), 'i32'))), b.exp(sizes!)];
    });
    const f = feeds([0, 1, 3, 5], 2, 3);
    await expectEqual(p, new Map([...f, ['n', randomArray(random, { shape: [4, 16], dtype: 'i32', range: [-5, 5] })]]));
  });
});
