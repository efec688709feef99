/** Programs as text: what is printed reads back to an equal program, before and after inlining and differentiation. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { parseProgram } from '../../../engine/ir/parse.ts';
import { printProgram } from '../../../engine/ir/print.ts';
import { FP32, type Instr, type Program } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { inlineDifferentiated, inlineProgram } from '../../../engine/passes/inline.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { entryOf, programOf } from '../../support/gradients.ts';
import { MATRIX, randomProgram, ROWS, SYMBOLS } from '../../support/programs.ts';

const SEEDS = Array.from({ length: 12 }, (_, i) => i);

function roundTrip(program: Program): void {
  const text = printProgram(program);
  const back = parseProgram(text);
  expect(back).toEqual(program);
  expect(printProgram(back)).toBe(text);
  verifyProgram(back);
}

const kindsOf = (program: Program): Set<Instr['kind']> =>
  new Set([...program.functions.values()].flatMap((fn) => fn.body.map((i) => i.kind)));

describe('print and parse', () => {
  it.each(SEEDS)('program %i, every kind of instruction', (seed) => {
    const { program } = randomProgram(seed);
    expect(kindsOf(program)).toEqual(new Set(['op', 'call', 'repeat']));
    verifyProgram(program);
    roundTrip(program);
  });

  it.each(SEEDS)('program %i, inlined and differentiated', (seed) => {
    const { program, wrt } = randomProgram(seed);
    const flat = inlineProgram(program, { customVjp: false, inverses: true });
    roundTrip(flat);
    expect(entryOf(flat).regions?.some((r) => r.restored !== undefined)).toBe(true);
    const gradient = differentiate(flat, { of: 'loss', wrt });
    roundTrip(gradient.program);
    roundTrip(inlineDifferentiated(gradient).program);
  });

  it('keeps names with quotes, brackets and newlines, and numbers that JSON has not', () => {
    const builder = new FnBuilder();
    const x = builder.param('a "b" (c) #1 %2', 'input', tensorType('f32', [2]));
    builder.setPath('layers/0 "q"\n} #3');
    const y = t.add(x, t.constant(x, 'f32', [], -Infinity));
    const z = t.named('z ] = return', t.mul(y, t.constant(x, 'f32', [], -0)));
    const program = programOf(builder.finish('main', [{ name: 'r "1"', value: z }]));
    roundTrip(program);
    const values = entryOf(parseProgram(printProgram(program))).body.map((i) => (i.kind === 'op' ? i.attrs : {}));
    expect(values).toContainEqual({ dtype: 'f32', shape: [], value: -Infinity });
    expect(values.some((a) => 'value' in a && Object.is(a.value, -0))).toBe(true);
  });

  it.each([
    ['', /begins with "program"/],
    ['program main policy f32 f32 f32\nreturn "x" %1', /outside of a function/],
    ['program main policy f32 f32 f32\nfn main\n  %0: f32[2 = neg(%1)', /does not define a value|not an instruction/],
    ['program main policy f32 f32 f32\nfn main\n  %0: f32[2] = neg %1', /is not an instruction/],
  ])('refuses %j', (text, message) => expect(() => parseProgram(text)).toThrow(message));
});

/** A small program with one of each: function, call, checkpoint stack, symbol with a layout. */
function goldenProgram(): Program {
  const layer = new FnBuilder();
  const x = layer.param('x', 'input', ROWS);
  const a = layer.param('lora/A', 'trainable', MATRIX);
  const y = t.named('down', t.matmul(x, a));
  const origin = { nodeType: 'test.layer', doc: 'x + tanh(x A)', args: { r: 4 } };
  const body = layer.finish('layer', [{ name: 'y', value: t.add(x, t.tanh(y)) }], origin);
  const main = new FnBuilder();
  const input = main.param('x', 'input', ROWS);
  const weights = [main.param('layers/0/lora/A', 'trainable', MATRIX), main.param('layers/1/lora/A', 'weight', MATRIX)];
  const [out] = main.repeat({
    site: 'layers',
    first: 0,
    bodies: [body, body],
    region: { kind: 'checkpoint' },
    carry: [input],
    broadcast: [],
    layerInputs: weights.map((w) => [w]),
  });
  const loss = t.named('loss', t.sum(t.mul(out!, out!), [-3, -2, -1]));
  const fn = main.finish('main', [{ name: 'loss', value: loss }]);
  const packed = { name: 'N', min: 1, max: 2048, packs: ['B', 'T'] as const };
  return {
    symbols: [...SYMBOLS, packed],
    functions: new Map([fn, body].map((f) => [f.name, f])),
    entry: 'main',
    policy: FP32,
  };
}

describe('golden text', () => {
  it('of a small program, its flat form and its gradient', () => {
    const program = goldenProgram();
    const flat = inlineProgram(program);
    const gradient = differentiate(flat, { of: 'loss', wrt: ['layers/0/lora/A'] }).program;
    const text = [program, flat, gradient].map(printProgram).join('\n');
    const file = new URL('../../golden/program.txt', import.meta.url);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });
});
