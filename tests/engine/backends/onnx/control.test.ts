/** Noise made by the host, barriers that the runtime can't undo, sums of rows with repeated indices, refused feeds. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../engine/autodiff/gradient.ts';
import { NoiseMaker, type NoiseInput } from '../../../../engine/backends/onnx/noise.ts';
import * as b from '../../../../engine/ir/build.ts';
import { symbol } from '../../../../engine/ir/dim.ts';
import type { Program, ValueId } from '../../../../engine/ir/program.ts';
import type { Tensor } from '../../../../engine/ir/tensor.ts';
import { tensorType, type DType, type Shape } from '../../../../engine/ir/types.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { array, randomArray, relativeError, testRandom } from '../../../support/arrays.ts';
import { programOf, runProgram, withInnerProduct, type Feeds } from '../../../support/gradients.ts';
import { rounded, runOnnx, toHost, withExecutable } from '../support.ts';

const random = testRandom('control');

/** A program of the parameters given, with one result `y`. */
function program(
  params: Readonly<Record<string, readonly [DType, Shape]>>,
  build: (p: Readonly<Record<string, Tensor>>) => Tensor,
): Program {
  const builder = new FnBuilder();
  const made = Object.entries(params).map(
    ([n, [dtype, shape]]) => [n, builder.param(n, 'input', tensorType(dtype, shape))] as const,
  );
  const value = build(Object.fromEntries(made));
  const names = ['N', 'B', 'T'].map((name) => ({ name, min: 1, max: 64 }));
  return { ...programOf(builder.finish('main', [{ name: 'y', value }])), symbols: names };
}

async function expectEqual(p: Program, feeds: Feeds, threads = 1, tolerance = 1e-6): Promise<void> {
  const want = runProgram(p, feeds).get('y')!;
  const got = await withExecutable(p, { threads }, (e) => runOnnx(e, feeds));
  expect(relativeError(got.get('y')!, want)).toBeLessThan(tolerance);
}

describe('noise', () => {
  const [N, B, T] = [symbol('N'), symbol('B'), symbol('T')];
  const key = array('u32', [2], [4_000_000_001, 7]);

  it.each([1, 2, 7, 8, 9, 16, 23, 64])('of rows of %i has the bits of the reference', async (width) => {
    const p = program({ key: ['u32', [2]], rows: ['i32', [5]] }, (x) =>
      b.noise(x['key']!, x['rows']!, 'a/b', [5, 2, width], { kind: 'keep', p: 0.3 }),
    );
    await expectEqual(
      p,
      new Map([
        ['key', key],
        ['rows', array('i32', [5], [-5, 0, 3, 2 ** 31 - 1, -(2 ** 31)])],
      ]),
    );
  });

  it('may take coordinates that were packed, gathered and reshaped on the way', async () => {
    const p = program({ key: ['u32', [2]], tokens: ['i32', [B, T]], index: ['i32', [N]], x: ['f32', [N, 12]] }, (x) => {
      const rows = b.gather(b.reshape(b.pack(x['tokens']!, x['index']!, N), [N]), b.iota(x['x']!, N));
      return b.mul(x['x']!, b.noise(x['key']!, rows, 's', [N, 12], { kind: 'keep', p: 0.5 }));
    });
    const feeds = new Map<string, NDArray>([
      ['key', key],
      ['tokens', randomArray(random, { shape: [2, 3], dtype: 'i32', range: [0, 1000] })],
      ['index', array('i32', [4], [0, 1, 3, 5])],
      ['x', randomArray(random, { shape: [4, 12] })],
    ]);
    await expectEqual(p, rounded(feeds));
  });

  it('that does not fit in one memory goes to several', () => {
    const input = (site: string): NoiseInput => ({
      name: site,
      attrs: { site, shape: [3, 40], distribution: { kind: 'keep', p: 0.4 } },
      key: 0 as ValueId,
      rows: 1 as ValueId,
    });
    const rows = array('i32', [3], [5, 6, 7]);
    const context = { bindings: new Map(), value: (id: ValueId) => (id === 0 ? key : rows) };
    const inputs = ['a', 'b', 'c', 'd', 'e'].map(input);
    const [one, several] = [new NoiseMaker(inputs), new NoiseMaker(inputs, 1100)];
    const data = (t: ReadonlyMap<string, { readonly data: unknown }>): unknown[] => [...t.values()].map((x) => x.data);
    expect(data(several.make(context))).toEqual(data(one.make(context)));
    const buffers = new Set(data(several.make(context)).map((x) => (x as Float32Array).buffer));
    expect(buffers.size).toBe(3);
  });

  it('is refused when its coordinates come from floats', async () => {
    const p = program({ key: ['u32', [2]], x: ['f32', [4]] }, (x) =>
      b.noise(x['key']!, b.cast(x['x']!, 'i32'), 's', [4, 2], { kind: 'uniform' }),
    );
    await expect(withExecutable(p, {}, () => Promise.resolve())).rejects.toThrow(/coordinates come from integers/);
  });
});

interface ProfileEvent {
  readonly name: string;
  readonly cat: string;
  readonly ts: number;
  readonly args?: { readonly op_name?: string };
}

/** The kinds of the nodes that were run, in order, without the small ones on shapes. */
async function executed(p: Program, feeds: Feeds): Promise<string> {
  return withExecutable(p, {}, async (_unused, folder) => {
    await withExecutable(p, { profilePrefix: join(folder, 'profile') }, (e) => runOnnx(e, feeds));
    const file = readdirSync(folder).find((f) => f.startsWith('profile'))!;
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[];
    const nodes = events.filter((e) => e.cat === 'Node' && e.name.endsWith('_kernel_time')).sort((x, y) => x.ts - y.ts);
    return nodes
      .flatMap((e) => (/Tanh|Exp|Sin|Cos|Erf/.test(e.args?.op_name ?? '') ? [e.args!.op_name!] : []))
      .join(' ');
  });
}

describe('barrier', () => {
  const f = (x: Tensor): Tensor => b.exp(b.tanh(b.tanh(x)));
  const feeds: Feeds = rounded(new Map([['x', randomArray(random, { shape: [3, 4] })]]));
  /** f(x) again, listed before what uses the first one. */
  const twice = (again: (x: Tensor, after: Tensor) => Tensor): Program =>
    program({ x: ['f32', [3, 4]] }, ({ x }) => {
      const middle = b.sin(f(x!));
      const second = b.sum(f(again(x!, middle)), [-2, -1]);
      return b.add(second, b.sum(b.cos(middle), [-2, -1]));
    });

  it('keeps a recomputation from being merged, and after what it waits for', async () => {
    const merged = twice((x) => x);
    const guarded = twice((x, after) => b.barrier(x, after));
    expect(await executed(merged, feeds)).toBe('Tanh Tanh Exp Sin Cos');
    expect(await executed(guarded, feeds)).toBe('Tanh Tanh Exp Sin Tanh Tanh Exp Cos');
    await expectEqual(guarded, feeds);
  });
});

describe('gelu and its derivative', () => {
  it('share one erf, and the derivative is there before anything reads the gelu', async () => {
    const forward = program({ x: ['f32', [3, 4]] }, ({ x }) => b.sum(b.tanh(b.gelu(b.cos(x!))), [-2, -1]));
    const { program: p } = differentiate(forward, { of: 'y', wrt: ['x'] });
    const feeds: Feeds = rounded(new Map([['x', randomArray(random, { shape: [3, 4] })]]));
    expect(await executed(p, feeds)).toBe('Cos Erf Exp Tanh Sin');
    await expectEqual(p, feeds);
  });

  it('a derivative that something else reads too stays where it is', async () => {
    const forward = program({ x: ['f32', [3, 4]] }, ({ x }) => b.sum(b.gelu(x!), [-2, -1]));
    const first = differentiate(forward, { of: 'y', wrt: ['x'] }).program;
    const inner = withInnerProduct(first, 'inner', ['grad/x']);
    const { program: p } = differentiate(inner, { of: 'inner', wrt: ['x'], prefix: 'grad2/' });
    const shape = [3, 4];
    const direction = randomArray(random, { shape });
    const feeds: Feeds = rounded(
      new Map([
        ['x', randomArray(random, { shape, range: [-3, 3] })],
        ['grad/x/direction', direction],
      ]),
    );
    const want = runProgram(p, feeds);
    const got = await withExecutable(p, {}, (e) => runOnnx(e, feeds));
    for (const [name, y] of want) expect(relativeError(got.get(name)!, y), name).toBeLessThan(3e-6);
  });
});

describe('scatterAdd', () => {
  const p = program({ x: ['f32', [3000, 40]], index: ['i32', [3000]] }, ({ x, index }) => b.scatterAdd(x!, index!, 50));
  const x = randomArray(random, { shape: [3000, 40] });

  it.each([
    ['every index many times', { range: [0, 3] as const }],
    ['most indices often', { range: [0, 50] as const }],
  ])('with %s is right and repeatable with several threads', async (_what, { range }) => {
    const feeds = rounded(
      new Map([
        ['x', x],
        ['index', randomArray(random, { shape: [3000], dtype: 'i32', range })],
      ]),
    );
    const want = runProgram(p, feeds).get('y')!;
    await withExecutable(p, { threads: 4 }, async (executable) => {
      const first = await runOnnx(executable, feeds);
      expect(relativeError(first.get('y')!, want)).toBeLessThan(1e-4);
      for (let i = 0; i < 5; i++) expect((await runOnnx(executable, feeds)).get('y')).toEqual(first.get('y'));
    });
  });

  it('with different indices only', async () => {
    const q = program({ x: ['f32', [4, 3]], index: ['i32', [4]] }, (v) => b.scatterAdd(v['x']!, v['index']!, 6));
    await expectEqual(
      q,
      rounded(
        new Map([
          ['x', randomArray(random, { shape: [4, 3] })],
          ['index', array('i32', [4], [5, 0, 3, 1])],
        ]),
      ),
    );
  });

  it('at indices that are computed in the graph', async () => {
    const q = program({ x: ['f32', [4, 3]], at: ['f32', [4]] }, (v) =>
      b.scatterAdd(v['x']!, b.cast(v['at']!, 'i32'), 6),
    );
    await expectEqual(
      q,
      rounded(
        new Map([
          ['x', randomArray(random, { shape: [4, 3] })],
          ['at', array('f32', [4], [5, 0, 5, 1])],
        ]),
      ),
    );
  });
});

describe('feeds', () => {
  const B = symbol('B');
  const p = program({ x: ['f32', [B, 2]] }, ({ x }) => b.exp(x!));
  const feed = (shape: readonly number[], data: NDArray['data'] | Int32Array = new Float64Array(4)): Feeds =>
    new Map([['x', { dtype: 'f32' as const, shape, data: Float64Array.from(data) }]]);

  it.each([
    ['a missing one', new Map(), /"x" is given/],
    ['another shape', feed([2, 2, 1]), /x is \[B,2\], got \[2,2,1\]/],
    ['another type', new Map([['x', array('i32', [2, 2], [1, 2, 3, 4])]]), /"x" is f32\[B,2\], got i32/],
    [
      'a size outside of its symbol’s bounds',
      feed([65, 2], new Float64Array(130)),
      /symbol B is 65, must be within 1\.\.64/,
    ],
  ])('refuses %s', async (_what, feeds: Feeds, message) => {
    await expect(withExecutable(p, {}, (e) => runOnnx(e, feeds))).rejects.toThrow(message);
  });

  it('runs one after the other when called at once, and refuses to run after dispose', async () => {
    await withExecutable(p, {}, async (executable) => {
      const inputs = [1, 2, 3].map(
        (n) =>
          new Map([
            [
              'x',
              toHost(
                array(
                  'f32',
                  [n, 2],
                  Array.from({ length: 2 * n }, () => n),
                ),
              ),
            ],
          ]),
      );
      const all = await Promise.all(inputs.map((i) => executable.run(i)));
      expect(all.map((r) => r.get('y')!.data[0])).toEqual([1, 2, 3].map((n) => Math.fround(Math.exp(n))));
      await executable.dispose();
      await expect(executable.run(inputs[0]!)).rejects.toThrow(/after dispose/);
    });
  });
});
