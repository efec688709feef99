/** The pipeline: its order, and the same numbers with every phase on, with each one off, and with all off. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import type { Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { peakMemory } from '../../../engine/passes/liveness.ts';
import { PACK_INDEX, packTokens } from '../../../engine/passes/packing.ts';
import { inputKinds } from '../../../engine/passes/perExample.ts';
import {
  OPTIONAL_PHASES,
  PHASES,
  runPipeline,
  type PhaseName,
  type PipelineOptions,
  type PipelineResult,
} from '../../../engine/passes/pipeline.ts';
import { PACK_STARTS, selectRows } from '../../../engine/passes/rowSelection.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { array, testRandom } from '../../support/arrays.ts';
import { countOf, difference } from '../../support/flat.ts';
import { entryOf, programOf, runProgram, type Feeds } from '../../support/gradients.ts';
import { BINDINGS, feedsOf, randomProgram, SYMBOLS } from '../../support/programs.ts';
import { stackProgram, trainablesOf } from '../../support/stacks.ts';

const gradient = (wrt: readonly string[]) => (program: Program) => differentiate(program, { of: 'loss', wrt });

/** Runs prefix and program on those of the feeds that they take. */
function run({ program, prefix }: PipelineResult, feeds: Feeds): Feeds {
  const cache = prefix ? runProgram(prefix, feeds) : new Map();
  return runProgram(program, new Map([...feeds, ...cache]));
}

const SWITCHES: readonly (readonly [string, readonly PhaseName[]])[] = [
  ['everything on', []],
  ...OPTIONAL_PHASES.map((name) => [`${name} off`, [name]] as const),
  ...OPTIONAL_PHASES.map((name) => [`only ${name} on`, OPTIONAL_PHASES.filter((n) => n !== name)] as const),
];

const B = symbol('B');
const T = symbol('T');
const WIDTH = 4;

/** A tiny encoder: two layers of attention and a feed-forward block with checkpoints, [CLS], a classifier; LoRA on top. */
function encoder(): Program {
  const rows = tensorType('f32', [B, T, WIDTH]);
  const square = tensorType('f32', [WIDTH, WIDTH]);
  const vector = tensorType('f32', [WIDTH]);
  const layer = (name: string, lora: boolean) => {
    const b = new FnBuilder();
    const x = b.param('x', 'input', rows);
    const lengths = b.param('lengths', 'input', tensorType('i32', [B]));
    const [wq, wo, gamma] = [
      b.param('wq', 'weight', square),
      b.param('wo', 'weight', square),
      b.param('gamma', 'weight', vector),
    ];
    let q = t.matmul(x, wq);
    if (lora) {
      const a = b.param('lora/A', 'trainable', tensorType('f32', [2, WIDTH]));
      const c = b.param('lora/B', 'trainable', tensorType('f32', [WIDTH, 2]));
      q = t.add(q, t.mul(t.matmul(t.matmul(x, a, { transposeB: true }), c, { transposeB: true }), 0.5));
    }
    const attended = t.attention(q, x, x, lengths, undefined, { heads: 2, scale: 0.7, causal: false, prefix: 0 });
    const h = t.layerNorm(t.add(x, attended), gamma, gamma, 0.1)[0];
    const y = t.layerNorm(t.add(h, t.gelu(t.matmul(h, wo, { transposeB: true }))), gamma, gamma, 0.1)[0];
    return b.finish(name, [{ name: 'y', value: y }]);
  };
  const plain = layer('layer', false);
  const tuned = layer('tunedLayer', true);
  const main = new FnBuilder();
  const ids = main.param('ids', 'input', tensorType('i32', [B, T]));
  const lengths = main.param('lengths', 'input', tensorType('i32', [B]));
  const labels = main.param('labels', 'input', tensorType('i32', [B]));
  const table = main.param('table', 'weight', tensorType('f32', [10, WIDTH]));
  const own = (i: number) => [`layers/${i}/wq`, `layers/${i}/wo`].map((n) => main.param(n, 'weight', square));
  const gamma = main.param('gamma', 'weight', vector);
  const a = main.param('lora/A', 'trainable', tensorType('f32', [2, WIDTH]));
  const c = main.param('lora/B', 'trainable', tensorType('f32', [WIDTH, 2]));
  const head = main.param('head', 'trainable', tensorType('f32', [WIDTH, 3]));
  const [h] = main.repeat({
    site: 'layers',
    first: 0,
    bodies: [plain, tuned],
    region: { kind: 'checkpoint' },
    carry: [t.gather(table, ids)],
    broadcast: [lengths],
    layerInputs: [
      [...own(0), gamma],
      [...own(1), gamma, a, c],
    ],
  });
  const cls = t.reshape(t.slice(h!, -2, 0, 1), [B, WIDTH]);
  const logits = t.matmul(cls, head);
  const loss = t.mean(t.crossEntropy(logits, labels)[0], [-1]);
  const fn = main.finish('main', [
    { name: 'loss', value: loss },
    { name: 'logits', value: logits },
  ]);
  return { ...programOf(fn, plain, tuned), symbols: SYMBOLS };
}

function encoderFeeds(program: Program): Feeds {
  const int = (shape: readonly number[], ...data: number[]) => array('i32', shape, data);
  return new Map([
    ...feedsOf(entryOf(program), testRandom('encoder'), BINDINGS),
    ['ids', int([2, 3], 1, 5, 7, 2, 0, 0)],
    ['lengths', int([2], 3, 1)],
    ['labels', int([2], 2, 0)],
    [PACK_INDEX, int([4], 0, 1, 2, 3)],
    [PACK_STARTS, int([2], 0, 3)],
  ]);
}

const ENCODER: PipelineOptions = {
  packing: packTokens,
  rowSelection: selectRows,
  backward: gradient(['lora/A', 'lora/B', 'head']),
  frontier: (program) => ({
    inputs: inputKinds(entryOf(program), { batch: B, rows: symbol('N'), indices: [PACK_INDEX, PACK_STARTS] }),
    sizes: new Map([...BINDINGS, ['N', 4]]),
    flopsPerByte: 1.5,
  }),
  verify: true,
};

describe('every phase on or off gives the same numbers', () => {
  const program = encoder();
  const feeds = encoderFeeds(program);
  const off = new Set(OPTIONAL_PHASES);
  const want = run(runPipeline(program, { ...ENCODER, off }), feeds);

  it.each(SWITCHES)('encoder: %s', (_name, names) => {
    const result = runPipeline(program, { ...ENCODER, off: new Set(names) });
    expect(difference(run(result, feeds), want)).toBeLessThan(1e-12);
  });

  it.each([0, 1, 2, 3])('random program %i', (seed) => {
    const { program: random, feeds: given, wrt } = randomProgram(seed);
    const options: PipelineOptions = { backward: gradient(wrt), verify: true };
    const plain = run(runPipeline(random, { ...options, off }), given);
    for (const [, names] of SWITCHES) {
      const result = runPipeline(random, { ...options, off: new Set(names) });
      expect(difference(run(result, given), plain)).toBeLessThan(1e-12);
    }
    const apart = runPipeline(random, { ...options, shareNothing: true, recomputation: { keepEvery: 2 } });
    expect(difference(run(apart, given), plain)).toBeLessThan(1e-12);
  });
});

describe('phases', () => {
  it('run in the order of the design', () => {
    expect(PHASES.map((p) => p.name)).toEqual([
      ...['inline', 'packing', 'rowSelection', 'frozenDropout', 'backward', 'frontier', 'recomputation'],
      ...['cse', 'fold', 'dce', 'schedule', 'layout', 'lower'],
    ]);
    const { stages } = runPipeline(encoder(), ENCODER);
    expect(stages.map((s) => s.phase)).toEqual(PHASES.map((p) => p.name));
  });

  it('each have an effect on the encoder', () => {
    const { stages, prefix, cached, program } = runPipeline(encoder(), { ...ENCODER, shareNothing: true });
    const at = (phase: PhaseName): Program => stages.find((s) => s.phase === phase)!.program;
    expect(countOf(at('packing'), 'pack')).toBeGreaterThan(0);
    expect(countOf(at('rowSelection'), 'gather')).toBeGreaterThan(1);
    expect(entryOf(at('backward')).results.map((r) => r.name)).toContain('grad/lora/A');
    expect(cached.length).toBeGreaterThan(0);
    expect(countOf(prefix!, 'attention')).toBe(1);
    expect(countOf(at('frontier'), 'attention')).toBe(1);
    // The checkpoint of the upper layer computes its attention a second time.
    expect(countOf(program, 'attention')).toBe(2);
    expect(countOf(at('recomputation'), 'barrier')).toBeGreaterThan(0);
    const length = (p: PhaseName): number => entryOf(at(p)).body.length;
    expect(length('cse')).toBeLessThan(length('recomputation'));
    expect(length('fold')).toBeLessThan(length('cse'));
  });

  it('that are slots run what they are given, over both parts', () => {
    const seen: string[] = [];
    const note = (name: string) => (program: Program) => {
      seen.push(name);
      return program;
    };
    const slots = { layout: note('layout'), lower: note('lower'), frozenDropout: note('frozenDropout') };
    runPipeline(encoder(), { ...ENCODER, ...slots });
    expect(seen).toEqual(['frozenDropout', 'layout', 'layout', 'lower', 'lower']);
  });

  it('give a forward program when nothing is differentiated', () => {
    const program = encoder();
    const feeds = encoderFeeds(program);
    const { backward: _none, ...forward } = ENCODER;
    const result = runPipeline(program, forward);
    expect(entryOf(result.program).results.map((r) => r.name)).toEqual(['loss', 'logits']);
    const want = run(runPipeline(program, { off: new Set(OPTIONAL_PHASES) }), feeds);
    expect(difference(run(result, feeds), want)).toBeLessThan(1e-12);
  });

  it('verify what a slot gives back', () => {
    const broken = (program: Program): Program => {
      const fn = entryOf(program);
      return { ...program, functions: new Map([['main', { ...fn, body: fn.body.slice(1) }]]) };
    };
    expect(() => runPipeline(encoder(), { ...ENCODER, layout: broken })).toThrow(/before it is defined|never defined/);
  });
});

describe('memory over the whole pipeline', () => {
  it.each(['checkpoint', 'reversible'] as const)('%s falls against keeping everything', (region) => {
    const program = stackProgram({ layers: 6, width: 8, region, dropout: 0.1 });
    const options: PipelineOptions = { backward: gradient(trainablesOf(entryOf(program))), shareNothing: true };
    const sizes = new Map([
      ['B', 8],
      ['T', 32],
    ]);
    const bytes = (result: PipelineResult): number => peakMemory(entryOf(result.program), sizes).bytes;
    const kept = runPipeline(program, { ...options, off: new Set<PhaseName>(['recomputation']) });
    expect(bytes(runPipeline(program, options))).toBeLessThan(0.45 * bytes(kept));
    // Merging must not undo it: without the barriers it would.
    const shared = runPipeline(program, { ...options, shareNothing: false });
    expect(bytes(shared)).toBeLessThan(0.45 * bytes(kept));
  });
});
