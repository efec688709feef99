/** Differentiation of whole programs: against finite differences, applied twice, cut at what is not wanted, custom gradients. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { dependents } from '../../../engine/ir/dataflow.ts';
import type { Fn, Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import type { NDArray } from '../../../engine/ops/rule.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { array, randomArray, relativeError, testRandom } from '../../support/arrays.ts';
import {
  entryOf,
  finiteDifferences,
  programOf,
  runProgram,
  withInnerProduct,
  type Feeds,
} from '../../support/gradients.ts';
import { randomProgram } from '../../support/programs.ts';

const SEEDS = Array.from({ length: 8 }, (_, i) => i);

const gradientOf = (program: Program, wrt: readonly string[]): Program =>
  inlineDifferentiated(differentiate(inlineProgram(program, { customVjp: false }), { of: 'loss', wrt })).program;

const result = (results: Feeds, name: string): NDArray => results.get(name) as NDArray;

describe('random programs', () => {
  it.each(SEEDS)('%i: the gradient is that of finite differences', (seed) => {
    const { program, feeds, wrt } = randomProgram(seed, { cuts: false });
    const gradient = gradientOf(program, wrt);
    verifyProgram(gradient);
    const results = runProgram(gradient, feeds);
    const flat = inlineProgram(program);
    for (const name of wrt.slice(0, 2)) {
      const numeric = finiteDifferences(flat, feeds, 'loss', name);
      expect(relativeError(result(results, `grad/${name}`), numeric)).toBeLessThan(1e-7);
    }
  });

  it.each(SEEDS)('%i: forward results are untouched', (seed) => {
    const { program, feeds, wrt } = randomProgram(seed);
    const before = runProgram(inlineProgram(program), feeds);
    const after = runProgram(gradientOf(program, wrt), feeds);
    for (const [name, y] of before) expect(relativeError(result(after, name), y)).toBe(0);
  });
});

describe('second order', () => {
  it.each(SEEDS.slice(0, 4))('program %i: reverse over reverse is that of finite differences', (seed) => {
    const { program, feeds } = randomProgram(seed, { cuts: false });
    const wrt = ['lora/A'];
    const first = gradientOf(program, wrt);
    const inner = withInnerProduct(first, 'inner', ['grad/lora/A']);
    const direction = randomArray(testRandom('direction', seed), { shape: [4, 4] });
    const all = new Map([...feeds, ['grad/lora/A/direction', direction]]);
    const second = differentiate(inner, { of: 'inner', wrt, prefix: 'second/' }).program;
    verifyProgram(second);
    const numeric = finiteDifferences(inner, all, 'inner', 'lora/A');
    expect(relativeError(result(runProgram(second, all), 'second/lora/A'), numeric)).toBeLessThan(1e-6);
  });

  /** One gradient step on a small loss inside, then the loss of the stepped weights: the meta-gradient of self-training. */
  it('a meta step', () => {
    const matrix = tensorType('f32', [3, 3]);
    const builder = new FnBuilder();
    const w = builder.param('w', 'trainable', matrix);
    const x = builder.param('x', 'input', tensorType('f32', [2, 3]));
    const scale = builder.param('scale', 'trainable', tensorType('f32', []));
    const y = t.tanh(t.matmul(x, w));
    const innerLoss = t.mul(t.sum(t.mul(y, y), [-2, -1]), scale);
    const step = differentiate(programOf(builder.finish('main', [{ name: 'inner', value: innerLoss }])), {
      of: 'inner',
      wrt: ['w'],
    }).program;
    const outer = FnBuilder.continuing(entryOf(step));
    const grad = outer.tensor(entryOf(step).results.find((r) => r.name === 'grad/w')!.id);
    const stepped = t.sub(outer.existingParam('w')!, t.mul(grad, 0.1));
    const z = t.sin(t.matmul(outer.existingParam('x')!, stepped));
    const program = programOf(outer.finish('main', [{ name: 'loss', value: t.sum(t.mul(z, z), [-2, -1]) }]));
    const random = testRandom('meta');
    const feeds = new Map([
      ['w', randomArray(random, { shape: [3, 3] })],
      ['x', randomArray(random, { shape: [2, 3] })],
      ['scale', array('f32', [], [1.3])],
    ]);
    const meta = differentiate(program, { of: 'loss', wrt: ['w', 'scale'], prefix: 'meta/' }).program;
    verifyProgram(meta);
    const results = runProgram(meta, feeds);
    for (const name of ['w', 'scale']) {
      const numeric = finiteDifferences(program, feeds, 'loss', name);
      expect(relativeError(result(results, `meta/${name}`), numeric)).toBeLessThan(1e-9);
    }
  });
});

describe('what is walked', () => {
  const matrix = tensorType('f32', [2, 2]);

  /** loss = sum(tanh(x low) high): with only `high` trained, nothing below the last product needs a gradient. */
  function twoLayers(): Program {
    const builder = new FnBuilder();
    const [x, low, high] = (['x', 'low', 'high'] as const).map((n) => builder.param(n, 'weight', matrix));
    const hidden = t.tanh(t.matmul(x!, low!));
    const out = t.matmul(hidden, high!);
    return programOf(builder.finish('main', [{ name: 'loss', value: t.sum(out, [-2, -1]) }]));
  }

  const matmuls = (program: Program): number =>
    entryOf(program).body.filter((i) => i.kind === 'op' && i.op === 'matmul').length;

  it('only values between a wanted parameter and the loss', () => {
    expect(matmuls(differentiate(twoLayers(), { of: 'loss', wrt: ['high'] }).program)).toBe(3);
    expect(matmuls(differentiate(twoLayers(), { of: 'loss', wrt: ['low'] }).program)).toBe(4);
    expect(matmuls(differentiate(twoLayers(), { of: 'loss', wrt: ['low', 'high', 'x'] }).program)).toBe(6);
  });

  it('a parameter that the loss does not depend on has a gradient of zeros', () => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'trainable', matrix);
    builder.param('unused', 'trainable', tensorType('f32', [3]));
    const counts = builder.param('counts', 'input', tensorType('i32', [2]));
    const loss = t.sum(t.mul(x, t.cast(counts, 'f32')), [-2, -1]);
    const program = programOf(builder.finish('main', [{ name: 'loss', value: loss }]));
    const feeds = new Map([
      ['x', array('f32', [2, 2], [1, 2, 3, 4])],
      ['unused', array('f32', [3], [1, 1, 1])],
      ['counts', array('i32', [2], [5, 6])],
    ]);
    const results = runProgram(differentiate(program, { of: 'loss', wrt: ['unused', 'x'] }).program, feeds);
    expect([...result(results, 'grad/unused').data]).toEqual([0, 0, 0]);
    expect([...result(results, 'grad/x').data]).toEqual([5, 6, 5, 6]);
  });

  it('a value that is used many times adds up its cotangents; a stopped one gets none', () => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'trainable', tensorType('f32', []));
    const y = t.mul(x, x);
    const loss = t.add(t.add(t.mul(y, 3), t.mul(y, x)), t.mul(t.stopGradient(y), x));
    const program = programOf(builder.finish('main', [{ name: 'loss', value: loss }]));
    const d = differentiate(program, { of: 'loss', wrt: ['x'] });
    const results = runProgram(d.program, new Map([['x', array('f32', [], [2])]]));
    // 3 x^2 + x^3 + 4 x at 2: 6 x + 3 x^2 + 4.
    expect(result(results, 'grad/x').data[0]).toBe(12 + 12 + 4);
    const fn = entryOf(d.program);
    const stopped = fn.body.find((i) => i.kind === 'op' && i.op === 'stopGradient')!;
    expect(d.cotangents.has(stopped.outputs[0]!)).toBe(false);
    expect(dependents(fn, new Set([fn.params[0]!.id])).has(stopped.outputs[0]!)).toBe(false);
    expect(d.backwardStart).toBe(entryOf(program).body.length);
  });

  it.each([
    [{ of: 'nothing', wrt: ['x'] }, /a result named "nothing"/],
    [{ of: 'y', wrt: ['x'] }, /"y" is not a scalar/],
    [{ of: 'loss', wrt: ['z'] }, /a parameter named "z"/],
  ])('refuses %j', (request, message) => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'trainable', matrix);
    const results = [
      { name: 'y', value: x },
      { name: 'loss', value: t.sum(x, [-2, -1]) },
    ];
    expect(() => differentiate(programOf(builder.finish('main', results)), request)).toThrow(message);
  });
});

describe('regions with a gradient of their own', () => {
  const vector = tensorType('f32', [3]);

  /** y = sin(x) whose gradient is said to be 7 c + y; z = an integer by-pass that needs no cotangent. */
  function custom(): { program: Program; calls: (p: Program) => number } {
    const forward = new FnBuilder();
    const x = forward.param('x', 'input', vector);
    const n = forward.param('n', 'input', tensorType('i32', []));
    const fn = forward.finish('f', [{ name: 'y', value: t.mul(t.sin(x), t.cast(n, 'f32')) }]);
    const backward = new FnBuilder();
    const [bx, bn, by, bc] = [
      backward.param('x', 'input', vector),
      backward.param('n', 'input', tensorType('i32', [])),
      backward.param('y', 'input', vector),
      backward.param('c', 'input', vector),
    ];
    const vjp: Fn = backward.finish('g', [
      { name: 'x', value: t.add(t.mul(bc, 7), t.mul(by, bx)) },
      { name: 'n', value: bn },
    ]);
    const main = new FnBuilder();
    const p = main.param('p', 'trainable', vector);
    const count = main.param('count', 'input', tensorType('i32', []));
    const y = main.call(fn, 'site', [t.mul(p, 2), count], { kind: 'customVjp', vjp: 'g' })[0]!;
    const loss = t.sum(t.mul(y, 5), [-1]);
    const program = programOf(main.finish('main', [{ name: 'loss', value: loss }]), fn, vjp);
    return { program, calls: (q) => entryOf(q).body.filter((i) => i.kind === 'call').length };
  }

  const feeds = new Map([
    ['p', array('f32', [3], [0.1, 0.2, 0.3])],
    ['count', array('i32', [], [2])],
  ]);

  it('take the gradient from the given function, and inlining expands both afterwards', () => {
    const { program, calls } = custom();
    const flat = inlineProgram(program, { customVjp: false });
    expect(calls(flat)).toBe(1);
    const d = differentiate(flat, { of: 'loss', wrt: ['p'] });
    verifyProgram(d.program);
    expect(calls(d.program)).toBe(2);
    const expanded = inlineDifferentiated(d);
    verifyProgram(expanded.program);
    expect(calls(expanded.program)).toBe(0);
    expect([...expanded.program.functions.keys()]).toEqual(['main']);
    const gradient = result(runProgram(expanded.program, feeds), 'grad/p');
    [0.1, 0.2, 0.3].forEach((p, i) => {
      const y = Math.sin(2 * p) * 2;
      expect(gradient.data[i]).toBeCloseTo(2 * (7 * 5 + y * 2 * p), 12);
    });
  });

  it('keep the meaning of cotangents and the start of the backward part', () => {
    const { program } = custom();
    const d = inlineDifferentiated(
      differentiate(inlineProgram(program, { customVjp: false }), { of: 'loss', wrt: ['p'] }),
    );
    const fn = entryOf(d.program);
    const scaled = fn.body.find((i) => i.kind === 'op' && i.op === 'mul')!.outputs[0]!;
    const cotangent = d.cotangents.get(scaled)!;
    expect(fn.body.findIndex((i) => i.outputs.includes(cotangent))).toBeGreaterThanOrEqual(d.backwardStart);
    expect(fn.body.slice(0, d.backwardStart).every((i) => i.kind === 'op')).toBe(true);
    const first = fn.body[d.backwardStart]!;
    expect(first.kind === 'op' && first.op === 'constant' && first.attrs).toEqual({
      dtype: 'f32',
      shape: [],
      value: 1,
    });
  });

  it('are differentiated twice through the given function', () => {
    const { program } = custom();
    const once = inlineDifferentiated(
      differentiate(inlineProgram(program, { customVjp: false }), { of: 'loss', wrt: ['p'] }),
      { customVjp: false },
    ).program;
    const inner = withInnerProduct(once, 'inner', ['grad/p']);
    const twice = inlineDifferentiated(differentiate(inner, { of: 'inner', wrt: ['p'], prefix: 'second/' })).program;
    verifyProgram(twice);
    const all = new Map([...feeds, ['grad/p/direction', array('f32', [3], [1, 1, 1])]]);
    const second = result(runProgram(twice, all), 'second/p');
    [0.1, 0.2, 0.3].forEach((p, i) => {
      const x = 2 * p;
      const y = Math.sin(x) * 2;
      // inner = sum 2 (7 * 5 + y x). d inner/dx = 2 y, d inner/dy = 2 x, which the rule pulls back to 7 (2 x) + y x.
      expect(second.data[i]).toBeCloseTo(2 * (2 * y + 7 * 2 * x + y * x), 12);
    });
  });
});
