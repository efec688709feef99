/** The frontier: what one example and frozen weights give is cached, the rest computes the same, and the lower layers are gone. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { symbol, type Dim } from '../../../engine/ir/dim.ts';
import type { Program } from '../../../engine/ir/program.ts';
import type { Tensor } from '../../../engine/ir/tensor.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import type { Differentiated } from '../../../engine/passes/flat.ts';
import { splitAtFrontier, type Frontier, type FrontierOptions } from '../../../engine/passes/frontier.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { classifyValues, inputKinds } from '../../../engine/passes/perExample.ts';
import { recompute } from '../../../engine/passes/recompute.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { array, testRandom } from '../../support/arrays.ts';
import { countOf, difference, opInstrs } from '../../support/flat.ts';
import { entryOf, programOf, runProgram, type Feeds } from '../../support/gradients.ts';
import { feedsOf } from '../../support/programs.ts';
import { stackProgram } from '../../support/stacks.ts';

const B = symbol('B');
const T = symbol('T');
const N = symbol('N');
const WIDTH = 6;
const SIZES = new Map([
  ['B', 2],
  ['T', 3],
  ['N', 4],
]);

/** Where a layer gets noise, and which layers have a trainable low-rank product. */
interface Wiring {
  readonly noiseIn?: number;
  readonly trained: readonly number[];
}

interface Rows {
  readonly builder: FnBuilder;
  readonly leading: readonly Dim[];
  readonly x: Tensor;
  readonly key: Tensor;
  readonly coordinates: Tensor;
}

/** Three layers of layerNorm, up, gelu, down with residuals; a loss over labels. */
function layers({ builder, leading, x, key, coordinates }: Rows, wiring: Wiring): Tensor {
  let h = x;
  for (let i = 0; i < 3; i++) {
    builder.setPath(`layers/${i}`);
    const up = builder.param(`layers/${i}/up`, 'weight', tensorType('f32', [WIDTH, 4 * WIDTH]));
    const down = builder.param(`layers/${i}/down`, 'weight', tensorType('f32', [4 * WIDTH, WIDTH]));
    const gamma = builder.param(`layers/${i}/gamma`, 'weight', tensorType('f32', [WIDTH]));
    const normed = t.layerNorm(h, gamma, gamma, 0.1)[0];
    let inside = t.matmul(normed, up);
    if (wiring.trained.includes(i)) {
      const a = builder.param(`layers/${i}/lora/A`, 'trainable', tensorType('f32', [WIDTH, 2]));
      const b = builder.param(`layers/${i}/lora/B`, 'trainable', tensorType('f32', [2, 4 * WIDTH]));
      inside = t.add(inside, t.matmul(t.matmul(normed, a), b));
    }
    let out = t.matmul(t.gelu(inside), down);
    if (wiring.noiseIn === i) {
      out = t.mul(out, t.noise(key, coordinates, `layers/${i}`, [...leading, WIDTH], { kind: 'keep', p: 0.5 }));
    }
    h = t.add(h, out);
  }
  builder.setPath(undefined);
  return h;
}

function finish(builder: FnBuilder, h: Tensor): Program {
  const labels = builder.param('labels', 'input', tensorType('i32', [B]));
  const head = builder.param('head', 'trainable', tensorType('f32', [WIDTH, 3]));
  const loss = t.mean(t.crossEntropy(t.matmul(h, head), labels)[0], [-1]);
  const fn = builder.finish('main', [{ name: 'loss', value: loss }]);
  const symbols = ['B', 'T'].map((name) => ({ name, min: 1, max: 64 }));
  const rows = { name: 'N', min: 1, max: 4096, packs: ['B', 'T'] as const };
  return { ...programOf(fn), symbols: [...symbols, rows] };
}

/** Padded: `[B, T, C]`, mean over the real tokens. */
function padded(wiring: Wiring): Program {
  const builder = new FnBuilder();
  const ids = builder.param('ids', 'input', tensorType('i32', [B, T]));
  const lengths = builder.param('lengths', 'input', tensorType('i32', [B]));
  const table = builder.param('table', 'weight', tensorType('f32', [10, WIDTH]));
  const key = builder.param('key', 'input', tensorType('u32', [2]));
  const coordinates = builder.param('coordinates', 'input', tensorType('i32', [B, T]));
  const x = t.gather(table, ids);
  const h = layers({ builder, leading: [B, T], x, key, coordinates }, wiring);
  const mask = t.tokenMask(lengths, T);
  const total = t.sum(t.mul(h, t.reshape(mask, [B, T, 1])), [-2]);
  return finish(builder, t.div(total, t.sum(mask, [-1], true)));
}

/** Packed: `[N, C]` after an attention over `[B, T, C]`, the first token of every example at the end. */
function packed(wiring: Wiring): Program {
  const builder = new FnBuilder();
  const ids = builder.param('ids', 'input', tensorType('i32', [B, T]));
  const lengths = builder.param('lengths', 'input', tensorType('i32', [B]));
  const index = builder.param('index', 'input', tensorType('i32', [N]));
  const starts = builder.param('starts', 'input', tensorType('i32', [B]));
  const table = builder.param('table', 'weight', tensorType('f32', [10, WIDTH]));
  const key = builder.param('key', 'input', tensorType('u32', [2]));
  const coordinates = builder.param('coordinates', 'input', tensorType('i32', [N]));
  const q = t.gather(table, ids);
  const mixed = t.attention(q, q, q, lengths, undefined, { heads: 2, scale: 0.7, causal: false, prefix: 0 });
  const h = layers({ builder, leading: [N], x: t.pack(mixed, index, N), key, coordinates }, wiring);
  return finish(builder, t.gather(h, starts));
}

/** Two examples of 3 and 1 tokens. */
function packedFeeds(program: Program): Feeds {
  const int = (...data: number[]): NDArray => array('i32', [data.length], data);
  const random = feedsOf(entryOf(program), testRandom('frontier'), SIZES);
  const fixed: [string, NDArray][] = [
    ['ids', array('i32', [2, 3], [1, 5, 7, 2, 0, 0])],
    ['lengths', int(3, 1)],
    ['index', int(0, 1, 2, 3)],
    ['starts', int(0, 3)],
    ['labels', int(2, 0)],
  ];
  return new Map([...random, ...fixed]);
}

function paddedFeeds(program: Program): Feeds {
  const random = feedsOf(entryOf(program), testRandom('frontier'), SIZES);
  const fixed: [string, NDArray][] = [
    ['ids', array('i32', [2, 3], [1, 5, 7, 2, 0, 0])],
    ['lengths', array('i32', [2], [3, 1])],
    ['labels', array('i32', [2], [2, 0])],
  ];
  return new Map([...random, ...fixed]);
}

const gradient = (program: Program): Differentiated => {
  const wrt = entryOf(program).params.flatMap((p) => (p.role === 'trainable' ? [p.name] : []));
  return differentiate(program, { of: 'loss', wrt });
};

const kindsOf = (program: Program) => inputKinds(entryOf(program), { batch: B, rows: N, indices: ['index', 'starts'] });

const split = (d: Differentiated, options: Partial<FrontierOptions> = {}): Frontier | undefined =>
  splitAtFrontier(d, { inputs: kindsOf(d.program), sizes: SIZES, ...options });

/** Runs prefix and rest, and says how far the results are from those of the whole. */
function compare(d: Differentiated, { prefix, rest }: Frontier, feeds: Feeds): number {
  verifyProgram(prefix);
  verifyProgram(rest.program);
  const cache = runProgram(prefix, feeds);
  return difference(runProgram(rest.program, new Map([...feeds, ...cache])), runProgram(d.program, feeds));
}

const FORMS = [
  ['padded', padded, paddedFeeds, 'example', ['B', 'T', WIDTH]],
  ['packed', packed, packedFeeds, 'row', ['N', WIDTH]],
] as const;

describe.each(FORMS)('%s', (_form, make, feedsFor, unit, shape) => {
  it('caches one hidden state when only the top layer is trained', () => {
    const d = gradient(make({ trained: [2] }));
    const f = split(d, { flopsPerByte: 40 })!;
    expect(compare(d, f, feedsFor(d.program))).toBe(0);
    expect(f.cached.map((c) => [c.name, c.unit, c.axis, c.type.shape])).toEqual([['cache/0', unit, 0, shape]]);
    // What the top layer reads twice, in its norm and its residual.
    expect(f.cached[0]?.path).toBe('layers/1');
    const paths = (p: Program): Set<string | undefined> =>
      new Set(opInstrs(p).map((i) => entryOf(p).values.get(i.outputs[0]!)?.path?.replace('/backward', '')));
    expect([...paths(f.rest.program)].filter((p) => p === 'layers/0' || p === 'layers/1')).toEqual([]);
    expect(countOf(f.prefix, 'matmul')).toBe(4);
    expect(countOf(f.rest.program, 'matmul')).toBe(countOf(d.program, 'matmul') - 4);
    expect(f.bytes).toBe(4 * WIDTH * (unit === 'row' ? 4 : 6));
  });

  it('drops inputs and weights that nobody reads any more, and keeps the trainables', () => {
    const d = gradient(make({ trained: [2] }));
    const f = split(d, { flopsPerByte: 40 })!;
    const names = (p: Program): string[] => entryOf(p).params.map((x) => x.name);
    expect(names(f.rest.program)).toContain('layers/2/lora/A');
    expect(names(f.rest.program)).not.toContain('layers/1/up');
    expect(names(f.rest.program)).not.toContain('ids');
    expect(names(f.prefix)).toContain('ids');
    expect(names(f.prefix)).not.toContain('labels');
  });

  it('caches products too when bytes are cheap', () => {
    const d = gradient(make({ trained: [2] }));
    const f = split(d, { flopsPerByte: 1 })!;
    expect(compare(d, f, feedsFor(d.program))).toBe(0);
    expect(f.cached.length).toBeGreaterThan(1);
    expect(countOf(f.rest.program, 'matmul')).toBeLessThan(countOf(d.program, 'matmul') - 4);
  });

  it('caches what the head reads when only the head is trained', () => {
    const d = gradient(make({ trained: [] }));
    const f = split(d)!;
    expect(compare(d, f, feedsFor(d.program))).toBe(0);
    expect(f.cached.map((c) => [c.unit, c.axis, c.type.shape])).toEqual([['example', 0, ['B', WIDTH]]]);
    expect(countOf(f.rest.program, 'matmul')).toBe(2);
  });

  it('stops at noise and at the lowest trained layer', () => {
    const noisy = gradient(make({ trained: [2], noiseIn: 1 }));
    const f = split(noisy, { flopsPerByte: 8 })!;
    expect(compare(noisy, f, feedsFor(noisy.program))).toBe(0);
    expect(countOf(f.prefix, 'noise')).toBe(0);
    expect(countOf(f.prefix, 'matmul')).toBe(4);
    expect(split(gradient(make({ trained: [0], noiseIn: 0 })), { flopsPerByte: 1e6 })).toBeUndefined();
  });

  it('caches nothing when computing again is cheaper', () => {
    expect(split(gradient(make({ trained: [2] })), { flopsPerByte: 1e9 })).toBeUndefined();
  });

  it('says where the backward part of the rest begins', () => {
    const d = gradient(make({ trained: [2] }));
    const { rest } = split(d, { flopsPerByte: 40 })!;
    const seed = entryOf(d.program).body[d.backwardStart];
    expect(entryOf(rest.program).body[rest.backwardStart]).toEqual(seed);
    const fn = entryOf(rest.program);
    for (const [value, cotangent] of rest.cotangents) {
      if (fn.values.has(value) && fn.values.has(cotangent))
        expect(fn.values.get(cotangent)?.type).toEqual(fn.values.get(value)?.type);
    }
  });
});

describe('what breaks independence', () => {
  const kind = (body: (x: Tensor, p: Record<string, Tensor>) => Tensor): string => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'input', tensorType('f32', [B, T]));
    const p = {
      w: builder.param('w', 'weight', tensorType('f32', [3])),
      trained: builder.param('trained', 'trainable', tensorType('f32', [3])),
      other: builder.param('other', 'input', tensorType('f32', [3])),
      rows: builder.param('rows', 'input', tensorType('f32', [N])),
      index: builder.param('index', 'input', tensorType('i32', [N])),
      key: builder.param('key', 'weight', tensorType('u32', [2])),
      coordinates: builder.param('coordinates', 'input', tensorType('i32', [B])),
    };
    const y = body(x, p);
    const fn = builder.finish('main', [{ name: 'y', value: y }]);
    const k = classifyValues(fn, inputKinds(fn, { batch: B, rows: N, indices: ['index'] })).get(y.id)!;
    return k.kind === 'data' ? `${k.unit} ${k.axis}` : k.kind;
  };

  it.each<[string, (x: Tensor, p: Record<string, Tensor>) => Tensor, string]>([
    ['elementwise', (x) => t.exp(x), 'example 0'],
    ['transpose', (x) => t.transpose(x, [1, 0]), 'example 1'],
    ['sum over the tokens', (x) => t.sum(x, [-1]), 'example 0'],
    ['sum over the examples', (x) => t.sum(x, [-2]), 'mixed'],
    ['a leading axis merged', (x) => t.reshape(x, [symbolProduct()]), 'mixed'],
    ['divided by the padded length', (x) => t.mean(x, [-1]), 'mixed'],
    ['positions', (x) => t.add(x, t.cast(t.iota(x, T), 'f32')), 'example 0'],
    ['places in the batch', (x) => t.add(x, t.reshape(t.cast(t.iota(x, B), 'f32'), [B, 1])), 'mixed'],
    [
      'noise, even of a fixed key',
      (_x, p) => t.noise(p['key']!, p['coordinates']!, 'a', [B, 2], { kind: 'uniform' }),
      'mixed',
    ],
    ['weights alone', (_x, { w }) => t.exp(w!), 'shared'],
    ['a trainable', (x, { trained }) => t.add(t.sum(x, [-1], true), trained!), 'mixed'],
    ['an input that is not said to be data', (x, { other }) => t.add(t.sum(x, [-1], true), other!), 'mixed'],
    ['packed', (x, { index }) => t.pack(x, index!, N), 'row 0'],
    ['unpacked again', (_x, { rows, index }) => t.unpack(rows!, index!, B, T), 'example 0'],
    ['an index read as data', (_x, { rows, index }) => t.add(rows!, t.cast(index!, 'f32')), 'mixed'],
    ['a lookup of data in weights', (x, { w }) => t.gather(w!, t.cast(x, 'i32')), 'example 0'],
    ['a lookup of data in data', (x, { rows }) => t.gather(rows!, t.cast(t.sum(x, [-1]), 'i32')), 'mixed'],
    ['rows by an index', (_x, { rows, index }) => t.gather(rows!, index!), 'row 0'],
    ['rows of an axis that is not the units', (x, { index }) => t.gather(t.transpose(x, [1, 0]), index!), 'mixed'],
  ])('%s', (_what, body, want) => expect(kind(body)).toBe(want));

  const symbolProduct = (): Dim => 'B*T' as Dim;
});

describe('together with recomputation', () => {
  it('regions that straddle the frontier still recompute right', () => {
    const program = stackProgram({ layers: 3, width: 4, region: 'checkpoint' });
    const fn = entryOf(program);
    const frozen = fn.params.map((p) =>
      p.name.startsWith('layers/2') ? p : { ...p, role: p.role === 'trainable' ? ('weight' as const) : p.role },
    );
    const top = { ...program, functions: new Map([...program.functions, ['main', { ...fn, params: frozen }]]) };
    const d = inlineDifferentiated(
      differentiate(inlineProgram(top), { of: 'loss', wrt: ['layers/2/up', 'layers/2/down'] }),
    );
    const f = split(d)!;
    const feeds = feedsOf(fn, testRandom('frontier'), SIZES);
    expect(compare(d, f, feeds)).toBe(0);
    const again = recompute(f.rest);
    verifyProgram(again.program);
    const cache = runProgram(f.prefix, feeds);
    const got = runProgram(again.program, new Map([...feeds, ...cache]));
    expect(difference(got, runProgram(d.program, feeds))).toBe(0);
    expect(countOf(again.program, 'barrier')).toBeGreaterThan(0);
  });
});
