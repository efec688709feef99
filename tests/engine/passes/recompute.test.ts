/** Recomputation: the same gradients, and a peak that really falls when the instructions run in order. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import { printFn } from '../../../engine/ir/print.ts';
import type { Fn, Program } from '../../../engine/ir/program.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { mergeCommonSubexpressions } from '../../../engine/passes/cse.ts';
import { eliminateDeadCode, withoutRegions } from '../../../engine/passes/dce.ts';
import type { Differentiated } from '../../../engine/passes/flat.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { peakMemory } from '../../../engine/passes/liveness.ts';
import { recompute, type RecomputeOptions } from '../../../engine/passes/recompute.ts';
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
