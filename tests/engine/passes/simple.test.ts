/** Dead code, common subexpressions, scheduling and inlining: the effect happens, numbers stay, regions stay straight. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import type { Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { mergeCommonSubexpressions } from '../../../engine/passes/cse.ts';
import { eliminateDeadCode, withoutRegions } from '../../../engine/passes/dce.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { peakMemory } from '../../../engine/passes/liveness.ts';
import { sinkCheapInstructions } from '../../../engine/passes/schedule.ts';
import { change, countOf, flatProgram, opInstrs, opsOf } from '../../support/flat.ts';
import { entryOf, runProgram } from '../../support/gradients.ts';
import { BINDINGS, randomProgram, type RandomProgram } from '../../support/programs.ts';
import { stackProgram } from '../../support/stacks.ts';

const SEEDS = Array.from({ length: 8 }, (_, i) => i);
const X = { x: 'f32[2,3]', y: 'f32[2,3]', key: 'u32[2]', rows: 'i32[2]' };

const gradientOf = ({ program, wrt }: RandomProgram): Program => {
  const flat = inlineProgram(program, { customVjp: false, inverses: true });
  return inlineDifferentiated(differentiate(flat, { of: 'loss', wrt })).program;
};

/** sum(tanh(x)^2) */
const squared = (): Program =>
  flatProgram({ x: 'f32[3]' }, ({ x }) => {
    const h = t.tanh(x!);
    return [t.sum(t.mul(h, h), [-1])];
  });

/** The same with every instruction in one checkpoint region. */
function withRegionAround(program: Program): Program {
  const fn = entryOf(program);
  const region = {
    region: { kind: 'checkpoint' as const },
    inputs: [],
    outputs: fn.results.map((r) => r.id),
    path: 'r',
  };
  const body = opInstrs(program).map((i) => ({ ...i, region: 0 }));
  return { ...program, functions: new Map([['main', { ...fn, body, regions: [region] }]]) };
}

describe('dead code', () => {
  it('goes, with what only it read; parameters stay', () => {
    const before = flatProgram(X, ({ x, y }) => {
      t.exp(t.mul(x!, y!));
      return [t.neg(x!)];
    });
    const after = eliminateDeadCode(before);
    expect(opsOf(after)).toEqual(['neg']);
    expect(entryOf(after).params).toEqual(entryOf(before).params);
    expect(entryOf(after).values.size).toBe(5);
    expect(change(before, after)).toBe(0);
    expect(eliminateDeadCode(after)).toBe(after);
  });

  it('keeps an op of which one output is read', () => {
    const before = flatProgram({ x: 'f32[2,3]', g: 'f32[3]' }, ({ x, g }) => [t.layerNorm(x!, g!, g!, 0.1)[2]]);
    expect(opsOf(eliminateDeadCode(before))).toEqual(['layerNorm']);
  });

  it('keeps the inverse of a region in use, and drops it with the regions', () => {
    const flat = inlineProgram(stackProgram({ layers: 2, width: 3, region: 'reversible' }), {
      customVjp: true,
      inverses: true,
    });
    verifyProgram(eliminateDeadCode(flat));
    expect(countOf(eliminateDeadCode(flat), 'matmul')).toBe(2 * 4 * 2);
    const without = eliminateDeadCode(withoutRegions(flat));
    expect(countOf(without, 'matmul')).toBe(2 * 4);
    expect(opInstrs(without).every((i) => i.region === undefined)).toBe(true);
  });

  it.each(SEEDS)('random program %i', (seed) => {
    const random = randomProgram(seed);
    const before = gradientOf(random);
    const after = eliminateDeadCode(withoutRegions(before));
    expect(opsOf(after).length).toBeLessThan(opsOf(before).length);
    expect(change(before, after, random.feeds)).toBe(0);
    expect(change(before, eliminateDeadCode(before), random.feeds)).toBe(0);
  });
});

describe('common subexpressions', () => {
  it('of equal op, attributes and inputs are one value, through chains', () => {
    const before = flatProgram(X, ({ x, y }) => {
      const twice = [0, 1].map(() => t.tanh(t.add(t.sum(x!, [-1], true), y!)));
      return [t.mul(twice[0]!, twice[1]!)];
    });
    const after = mergeCommonSubexpressions(before);
    expect(opsOf(after)).toEqual(['sum', 'add', 'tanh', 'mul']);
    expect(change(before, after)).toBe(0);
  });

  it('knows which ops commute', () => {
    const before = flatProgram(X, ({ x, y }) => [t.add(x!, y!), t.add(y!, x!), t.sub(x!, y!), t.sub(y!, x!)]);
    const after = mergeCommonSubexpressions(before);
    expect(opsOf(after)).toEqual(['add', 'sub', 'sub']);
    expect(change(before, after)).toBe(0);
  });

  it('tells attributes apart, and merges noise of one site only', () => {
    const drop = (key: string, p: number) => ({ kind: 'keep' as const, p, site: key });
    const before = flatProgram(X, ({ x, key, rows }) => {
      const made = [drop('a', 0.1), drop('a', 0.1), drop('b', 0.1), drop('a', 0.2)];
      return made.map(({ site, ...d }) => t.mul(x!, t.noise(key!, rows!, site, [2, 3], d)));
    });
    expect(countOf(mergeCommonSubexpressions(before), 'noise')).toBe(3);
    const reduced = flatProgram(X, ({ x }) => [t.sum(x!, [-1]), t.sum(x!, [-2]), t.sum(x!, [-1], true)]);
    expect(countOf(mergeCommonSubexpressions(reduced), 'sum')).toBe(3);
  });

  it('never merges barriers, nor what stands behind different ones', () => {
    const before = flatProgram(X, ({ x, y }) => [t.exp(x!), t.exp(t.barrier(x!, y!)), t.exp(t.barrier(x!, y!))]);
    const after = mergeCommonSubexpressions(before);
    expect(opsOf(after)).toEqual(opsOf(before));
  });

  it('merges scalar constants but makes filled ones anew', () => {
    const before = flatProgram(X, ({ x }) => {
      const fill = (): typeof x & object => t.constant(x!, 'f32', [2, 3], 2);
      return [t.pow(t.pow(x!, 3), 3), t.pow(x!, fill()), t.pow(t.exp(x!), fill())];
    });
    expect(countOf(mergeCommonSubexpressions(before), 'constant')).toBe(3);
  });

  it('keeps regions, and on demand forward and backward, apart', () => {
    const stack = stackProgram({ layers: 1, width: 3, region: 'checkpoint' });
    const flat = inlineProgram(stack);
    const d = differentiate(flat, { of: 'loss', wrt: ['layers/0/up'] });
    const regions = (p: Program): (number | undefined)[] => opInstrs(p).map((i) => i.region);
    const merged = mergeCommonSubexpressions(d.program);
    verifyProgram(merged);
    expect(regions(merged).filter((r) => r === 0).length).toBe(regions(flat).filter((r) => r === 0).length);
    // Also where the backward part computes what a region has inside: merged, it would have to be kept.
    const tagged = withRegionAround(squared());
    const inside = differentiate(tagged, { of: 'y0', wrt: ['x'] }).program;
    expect(opsOf(mergeCommonSubexpressions(inside)).filter((o) => o === 'mul').length).toBe(
      opsOf(inside).filter((o) => o === 'mul').length - 1,
    );
    // The derivative of tanh reads the square that the forward part has too.
    const shared = differentiate(squared(), { of: 'y0', wrt: ['x'] });
    const squares = (p: Program): number =>
      opInstrs(p).filter((i) => i.op === 'mul' && i.inputs[0] === i.inputs[1]).length;
    expect(squares(shared.program)).toBe(2);
    expect(squares(mergeCommonSubexpressions(shared.program))).toBe(1);
    expect(squares(mergeCommonSubexpressions(shared.program, { apartFrom: shared.backwardStart }))).toBe(2);
  });

  it.each(SEEDS)('random program %i', (seed) => {
    const random = randomProgram(seed);
    for (const before of [gradientOf(random), withoutRegions(gradientOf(random))]) {
      const after = mergeCommonSubexpressions(before);
      expect(opsOf(after).length).toBeLessThan(opsOf(before).length);
      expect(change(before, after, random.feeds)).toBe(0);
    }
  });
});

describe('scheduling', () => {
  it('computes a value late when nothing then lives longer', () => {
    const before = flatProgram(X, ({ x, y }) => {
      const early = t.exp(x!);
      const big = t.broadcastTo(t.reshape(y!, [1, 2, 3]), [50, 2, 3]);
      return [t.mul(t.sum(big, [-3]), early)];
    });
    const after = sinkCheapInstructions(before);
    expect(opsOf(after)).toEqual(['reshape', 'broadcastTo', 'sum', 'exp', 'mul']);
    expect(change(before, after)).toBe(0);
    const bytes = (p: Program): number => peakMemory(entryOf(p), BINDINGS).bytes;
    expect(bytes(after)).toBe(bytes(before) - 24);
  });

  it('does not lengthen the life of what is read', () => {
    const before = flatProgram(X, ({ x, y }) => {
      const wide = t.broadcastTo(t.exp(x!), [50, 2, 3]);
      const small = t.sum(wide, [-3]);
      return [t.mul(t.tanh(t.sin(y!)), small)];
    });
    expect(opsOf(sinkCheapInstructions(before))).toEqual(['exp', 'broadcastTo', 'sum', 'sin', 'tanh', 'mul']);
  });

  it.each(SEEDS)('random program %i: the peak does not rise', (seed) => {
    const random = randomProgram(seed);
    const before = eliminateDeadCode(withoutRegions(gradientOf(random)));
    const after = sinkCheapInstructions(before);
    expect([...opsOf(after)].sort()).toEqual([...opsOf(before)].sort());
    expect(change(before, after, random.feeds)).toBe(0);
    const bytes = (p: Program): number => peakMemory(entryOf(p), BINDINGS).bytes;
    expect(bytes(after)).toBeLessThanOrEqual(bytes(before));
  });
});

describe('inlining', () => {
  it.each(SEEDS)('random program %i: a flat program with the same results, and paths of the stack', (seed) => {
    const { program, feeds } = randomProgram(seed);
    const flat = inlineProgram(program);
    verifyProgram(flat);
    expect([...flat.functions.keys()]).toEqual(['main']);
    expect(entryOf(flat).body.every((i) => i.kind === 'op')).toBe(true);
    const partly = inlineProgram(inlineProgram(program, { customVjp: false, inverses: true }));
    verifyProgram(partly);
    expect(runProgram(partly, feeds)).toEqual(runProgram(flat, feeds));
    // A second time nothing happens, and regions stay.
    expect(inlineProgram(partly)).toEqual(partly);
    expect(entryOf(partly).regions?.length).toBe(entryOf(flat).regions?.length);
  });

  it('names layers by their absolute number and gives every region its values', () => {
    const flat = inlineProgram(stackProgram({ layers: 2, width: 3, region: 'checkpoint', dropout: 0.1 }));
    const fn = entryOf(flat);
    expect(fn.regions?.map((r) => r.path)).toEqual(['layer0', 'layer1']);
    expect(fn.regions?.[1]?.inputs[0]).toBe(fn.regions?.[0]?.outputs[0]);
    for (const [tag, region] of (fn.regions ?? []).entries()) {
      const members = opInstrs(flat).filter((i) => i.region === tag);
      expect(members.length).toBeGreaterThan(10);
      expect(members.flatMap((i) => i.outputs)).toContain(region.outputs[0]);
      expect(new Set(members.map((i) => fn.values.get(i.outputs[0]!)?.path))).toEqual(new Set([region.path]));
    }
  });

  it('of nested regions only the outermost counts', () => {
    const { program } = randomProgram(0);
    const body = program.functions.get('body')!;
    const main = entryOf(program);
    const inner = { kind: 'call' as const, fn: 'body', site: 'inner', region: { kind: 'checkpoint' as const } };
    const x = body.params.map((p) => p.id);
    const next = (Math.max(...body.values.keys()) + 1) as (typeof x)[number];
    const outer = {
      ...body,
      name: 'outer',
      body: [{ ...inner, inputs: x, outputs: [next] }],
      results: [{ name: 'y', id: next }],
      values: new Map([...body.values, [next, { type: tensorType('f32', body.values.get(x[0]!)!.type.shape) }]]),
    };
    const called = { ...inner, fn: 'outer', site: 'outer', inputs: main.params.slice(0, x.length).map((p) => p.id) };
    const out = (Math.max(...main.values.keys()) + 1) as typeof next;
    const entry = {
      ...main,
      body: [...main.body, { ...called, outputs: [out] }],
      results: [{ name: 'y', id: out }],
      values: new Map([...main.values, [out, { type: main.values.get(main.params[0]!.id)!.type }]]),
    };
    const nested = { ...program, functions: new Map([...program.functions, ['outer', outer], ['main', entry]]) };
    verifyProgram(nested);
    const flat = inlineProgram(nested);
    verifyProgram(flat);
    expect(
      entryOf(flat)
        .regions?.filter((r) => r.path.startsWith('outer'))
        .map((r) => r.path),
    ).toEqual(['outer']);
  });
});
