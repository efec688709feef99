/** Recomputation: the same gradients, and a peak that really falls when the instructions run in order. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { printFn } from '../../../engine/ir/print.ts';
import type { Fn, Program } from '../../../engine/ir/program.ts';
import type { Tensor } from '../../../engine/ir/tensor.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { mergeCommonSubexpressions } from '../../../engine/passes/cse.ts';
import { eliminateDeadCode, withoutRegions } from '../../../engine/passes/dce.ts';
import type { Differentiated } from '../../../engine/passes/flat.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { peakMemory } from '../../../engine/passes/liveness.ts';
import { recompute, type RecomputeOptions } from '../../../engine/passes/recompute.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { relativeError, testRandom } from '../../support/arrays.ts';
import { entryOf, runProgram, type Feeds } from '../../support/gradients.ts';
import { BINDINGS, feedsOf, randomProgram } from '../../support/programs.ts';
import { stackProgram, trainablesOf, type StackOptions } from '../../support/stacks.ts';

const SIZES = new Map([
  ['B', 8],
  ['T', 32],
]);

function differentiated(program: Program, wrt: readonly string[] = trainablesOf(entryOf(program))): Differentiated {
  const flat = inlineProgram(program, { customVjp: false, inverses: true });
  return inlineDifferentiated(differentiate(flat, { of: 'loss', wrt }));
}

const plainly = (d: Differentiated): Program => eliminateDeadCode(withoutRegions(d.program));

/** As the pipeline does it: recompute, then merge what is equal, then drop what is dead. */
const again = (d: Differentiated, options: RecomputeOptions = {}): Program =>
  eliminateDeadCode(mergeCommonSubexpressions(recompute(d, options).program));

function expectSame(got: Feeds, want: Feeds, tolerance: number): void {
  expect([...got.keys()]).toEqual([...want.keys()]);
  for (const [name, y] of want) expect(relativeError(got.get(name) as NDArray, y), name).toBeLessThanOrEqual(tolerance);
}

const peak = (fn: Fn): number => peakMemory(fn, SIZES).bytes;

describe('random programs', () => {
  it.each(Array.from({ length: 10 }, (_, i) => i))('%i: gradients and results are unchanged', (seed) => {
    const { program, feeds, wrt } = randomProgram(seed);
    const d = differentiated(program, wrt);
    const want = runProgram(plainly(d), feeds);
    for (const options of [{}, { keepEvery: 1 }, { keepEvery: 2 }]) {
      const once = recompute(d, options);
      verifyProgram(once.program);
      expect(entryOf(once.program).regions).toBeUndefined();
      // Inversion divides nothing here, so that restored streams are exact but for rounding.
      expectSame(runProgram(once.program, feeds), want, 1e-12);
      const merged = again(d, options);
      verifyProgram(merged);
      expectSame(runProgram(merged, feeds), want, 1e-12);
    }
  });
});

const STACK: StackOptions = { layers: 4, width: 3, region: 'checkpoint', dropout: 0.2 };

describe('checkpoint', () => {
  it('gives bitwise the gradients of keeping everything, dropout included', () => {
    const program = stackProgram(STACK);
    const feeds = feedsOf(entryOf(program), testRandom('stack'), BINDINGS);
    const d = differentiated(program);
    expectSame(runProgram(again(d), feeds), runProgram(plainly(d), feeds), 0);
  });

  it('lets the peak fall to the inputs of the layers and the inside of one', () => {
    const bytes = (layers: number, region: StackOptions['region']): number => {
      const d = differentiated(stackProgram({ ...STACK, layers, region, width: 16 }));
      return peak(entryOf(region === 'plain' ? plainly(d) : again(d)));
    };
    const perLayer = (region: StackOptions['region']): number => (bytes(12, region) - bytes(6, region)) / 6;
    const stream = 8 * 32 * 16 * 4;
    // The peak is early in the backward part, when of all layers below only what goes in is alive.
    expect(perLayer('checkpoint')).toBe(stream);
    expect(perLayer('plain')).toBeGreaterThan(10 * stream);
    expect(bytes(12, 'checkpoint')).toBeLessThan(0.3 * bytes(12, 'plain'));
  });

  it('recomputes behind barriers, which common subexpressions leave apart', () => {
    const fn = entryOf(again(differentiated(stackProgram({ ...STACK, layers: 2 }))));
    const text = printFn(fn).join('\n');
    expect(text.match(/= barrier\(/g)?.length).toBeGreaterThanOrEqual(4);
    const matmuls = fn.body.filter((i) => i.kind === 'op' && i.op === 'matmul');
    const path = (i: (typeof matmuls)[number]): string => fn.values.get(i.outputs[0]!)?.path ?? '';
    // Four products forward per layer, three of them again (the last one's output is not read), two gradients of each.
    expect(matmuls.filter((i) => path(i).endsWith('/recompute')).length).toBe(2 * 4);
    expect(matmuls.filter((i) => path(i).endsWith('/backward')).length).toBe(2 * 8 - 1);
  });

  it('waits for the cotangent of what goes out', () => {
    const d = recompute(differentiated(stackProgram({ ...STACK, layers: 3 })));
    const fn = entryOf(d.program);
    const defined = new Map(fn.body.flatMap((instr, i) => instr.outputs.map((id) => [id, i] as const)));
    const barriers = fn.body.flatMap((i) => (i.kind === 'op' && i.op === 'barrier' ? [i] : []));
    for (const b of barriers) expect(defined.get(b.inputs[1]!)).toBeGreaterThanOrEqual(d.backwardStart);
    // Of a layer whose input is an activation no weight is held back, which would copy it.
    const roles = new Map(fn.params.map((p) => [p.id, p.role]));
    const above = barriers.filter((b) => !fn.values.get(b.outputs[0]!)?.path?.startsWith('layer0'));
    expect(above.length).toBeGreaterThan(2);
    expect(above.map((b) => roles.get(b.inputs[0]!)).filter((r) => r === 'trainable')).toEqual([]);
    // The noise of the second computation waits as well: its mask would otherwise be that of the first.
    const noise = fn.body.filter((i, at) => i.kind === 'op' && i.op === 'noise' && at >= d.backwardStart);
    expect(noise.length).toBe(6);
    const waiting = new Set(barriers.flatMap((b) => [...b.outputs]));
    for (const n of noise) expect(n.kind === 'op' && n.inputs.some((id) => waiting.has(id))).toBe(true);
  });

  it('leaves a region alone that the backward part does not read', () => {
    const d = differentiated(stackProgram({ ...STACK, layers: 3 }), ['layers/2/down']);
    const fn = entryOf(again(d));
    const paths = [...fn.values.values()].flatMap((v) => (v.path?.endsWith('/recompute') ? [v.path] : []));
    expect(new Set(paths)).toEqual(new Set(['layer2/recompute']));
  });
});

describe('reversible', () => {
  const reversible: StackOptions = { ...STACK, region: 'reversible' };

  it.each([{}, { keepEvery: 2 }, { keepEvery: 1 }])('gives the gradients of keeping everything: %j', (options) => {
    const program = stackProgram(reversible);
    const feeds = feedsOf(entryOf(program), testRandom('stack'), BINDINGS);
    const d = differentiated(program);
    expectSame(runProgram(again(d, options), feeds), runProgram(plainly(d), feeds), 1e-12);
  });

  it('amplifies rounding by 1/scale per block, which a kept pair stops', () => {
    const program = stackProgram({ ...reversible, layers: 6, scale: 0.1 });
    const feeds = feedsOf(entryOf(program), testRandom('stack'), BINDINGS);
    const d = differentiated(program);
    const want = runProgram(plainly(d), feeds);
    const error = (options: RecomputeOptions): number => {
      const got = runProgram(again(d, options), feeds);
      return Math.max(...[...want].map(([name, y]) => relativeError(got.get(name) as NDArray, y)));
    };
    expect(error({})).toBeLessThan(1e-9);
    expect(error({ keepEvery: 2 })).toBeLessThan(error({}) / 10);
  });

  it('has a peak that is flat in depth, but for the gradients themselves', () => {
    const bytes = (layers: number, options: RecomputeOptions = {}): number =>
      peak(entryOf(again(differentiated(stackProgram({ ...reversible, layers, width: 16 })), options)));
    const gradients = 2 * 4 * 16 * 16 * 4;
    const stream = 8 * 32 * 16 * 4;
    expect((bytes(24) - bytes(12)) / 12).toBe(gradients);
    // With kept pairs the peak is early again, half a pair per layer.
    expect((bytes(24, { keepEvery: 2 }) - bytes(12, { keepEvery: 2 })) / 12).toBe(stream);
    const kept = peak(entryOf(plainly(differentiated(stackProgram({ ...reversible, layers: 24, width: 16 })))));
    expect(bytes(24)).toBeLessThan(0.12 * kept);
  });

  it('shares the second computation between the inverse and the gradient', () => {
    const fn = entryOf(again(differentiated(stackProgram({ ...reversible, layers: 3 }))));
    const matmuls = fn.body.filter((i) => i.kind === 'op' && i.op === 'matmul');
    const recomputed = matmuls.filter((i) => fn.values.get(i.outputs[0]!)?.path?.includes('recompute'));
    expect(recomputed.length).toBe(3 * 4);
  });

  it('falls back to the inputs where the inverse was given up', () => {
    const program = stackProgram(reversible);
    const feeds = feedsOf(entryOf(program), testRandom('stack'), BINDINGS);
    const flat = inlineProgram(program, { customVjp: false });
    const d = differentiate(flat, { of: 'loss', wrt: trainablesOf(entryOf(program)) });
    expectSame(runProgram(again(d), feeds), runProgram(plainly(d), feeds), 0);
  });
});

describe('a reversible region that the backward part only passes through', () => {
  /** y1 = x1 + x2 W, y2 = x2 + y1 W: the derivative reads W alone, but the pair below needs its streams back. */
  function linearPair(): readonly [Fn, Fn] {
    const rows = tensorType('f32', [symbol('B'), symbol('T'), 3]);
    const pair = (first: string, second: string): readonly [FnBuilder, Tensor, Tensor, Tensor] => {
      const b = new FnBuilder();
      const w = (): Tensor => b.param('w', 'weight', tensorType('f32', [3, 3]));
      return [b, b.param(first, 'input', rows), b.param(second, 'input', rows), w()];
    };
    const [f, x1, x2, w] = pair('x1', 'x2');
    const y1 = t.add(x1, t.matmul(x2, w));
    const y2 = t.add(x2, t.matmul(y1, w));
    const [g, z1, z2, v] = pair('y1', 'y2');
    const r2 = t.sub(z2, t.matmul(z1, v));
    const r1 = t.sub(z1, t.matmul(r2, v));
    const two = (a: string, x: Tensor, b: string, y: Tensor) => [
      { name: a, value: x },
      { name: b, value: y },
    ];
    return [f.finish('linear', two('y1', y1, 'y2', y2)), g.finish('linearInverse', two('x1', r1, 'x2', r2))];
  }

  it('restores the streams for the one below', () => {
    const stack = stackProgram({ layers: 2, width: 3, region: 'reversible' });
    const [linear, inverse] = linearPair();
    const fn = entryOf(stack);
    const builder = FnBuilder.rewriting(fn);
    const w = builder.param('frozen', 'weight', tensorType('f32', [3, 3]));
    const region = { kind: 'reversible' as const, inverse: 'linearInverse', streams: 2 };
    let streams: readonly Tensor[] = [];
    for (const instr of fn.body) {
      builder.keep(instr);
      if (instr.kind === 'call') streams = instr.outputs.map((id) => builder.tensor(id));
    }
    const top = builder.call(linear, 'top', [...streams, w], region);
    const total = t.add(t.mul(top[0]!, top[0]!), top[1]!);
    const main = builder.finish('main', [{ name: 'loss', value: t.sum(total, [-3, -2, -1]) }]);
    const functions = new Map([
      ...stack.functions,
      ['main', main],
      ['linear', linear],
      ['linearInverse', inverse],
    ] as const);
    const program: Program = { ...stack, functions };
    const feeds = feedsOf(main, testRandom('stack'), BINDINGS);
    const d = differentiated(program);
    const got = again(d);
    verifyProgram(got);
    expectSame(runProgram(got, feeds), runProgram(plainly(d), feeds), 1e-12);
    // Both streams of the frozen pair are computed back, and one pair below as well.
    const result = entryOf(got);
    const differences = result.body.filter((i) => i.kind === 'op' && i.op === 'sub');
    const at = (path: string): number =>
      differences.filter((i) => result.values.get(i.outputs[0]!)?.path?.startsWith(path)).length;
    expect([at('top'), at('layer1')]).toEqual([2, 2 + 2]);
    // Restored before the pair below asks: its streams of the forward part are held back for nobody.
    const held = result.body.flatMap((i) => (i.kind === 'op' && i.op === 'barrier' ? [i.inputs[0]!] : []));
    expect(held.map((id) => result.values.get(id)?.path).filter((path) => path === 'layer1')).toEqual([]);
  });
});

describe('second order', () => {
  it('recomputes for the gradient of a gradient too', () => {
    const { program, feeds } = randomProgram(5, { cuts: false });
    const first = differentiated(program, ['lora/A']);
    const twice = differentiate(first.program, { of: 'loss', wrt: ['ffn/W'], prefix: 'second/' });
    const want = runProgram(plainly(twice), feeds);
    const d = { ...twice, backwardStart: first.backwardStart };
    expectSame(runProgram(again(d), feeds), want, 1e-12);
  });
});
