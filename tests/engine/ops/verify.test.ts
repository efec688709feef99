/** The verifier refuses every broken invariant once, with a message that names the instruction. */
import { describe, expect, it } from 'vitest';
import * as t from '../../../engine/ir/build.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import {
  FP32,
  type CallInstr,
  type Fn,
  type Instr,
  type OpInstr,
  type Program,
  type Region,
  type RepeatInstr,
  type ValueId,
  type ValueInfo,
} from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { verifyProgram } from '../../../engine/ops/verify.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';
import { entryOf } from '../../support/gradients.ts';
import { randomProgram, ROWS, SYMBOLS } from '../../support/programs.ts';

/** main: %0 = x, %1 = w, %2 = matmul "up", %3 = tanh, %4 = call half "half" (%3), %5, %6 = repeat "stack" of half, "total". */
function sample(): Program {
  const square = tensorType('f32', [4, 4]);
  const half = new FnBuilder();
  const h = half.param('x', 'input', square);
  const halfFn = half.finish('half', [{ name: 'y', value: t.mul(h, 0.5) }]);
  const layer = new FnBuilder();
  const l = layer.param('x', 'input', square);
  const layerFn = layer.finish('layer', [
    { name: 'y', value: t.tanh(l) },
    { name: 'norm', value: t.sum(l, [-1]) },
  ]);
  const main = new FnBuilder();
  const x = main.param('x', 'input', square);
  const w = main.param('w', 'weight', square);
  main.setPath('layers/0/ffn');
  const up = t.named('up', t.matmul(x, w));
  const y = main.call(halfFn, 'half', [t.tanh(up)], { kind: 'plain' })[0]!;
  const spec = { site: 'stack', first: 3, region: { kind: 'plain' } as Region, broadcast: [] };
  const [z, norms] = main.repeat({ ...spec, bodies: [layerFn, layerFn], carry: [y], layerInputs: [[], []] });
  const mainFn = main.finish('main', [
    { name: 'z', value: z! },
    { name: 'norms', value: norms! },
  ]);
  const functions = [mainFn, halfFn, layerFn];
  return { symbols: [], functions: new Map(functions.map((f) => [f.name, f])), entry: 'main', policy: FP32 };
}

const id = (n: number): ValueId => n as ValueId;
const withFn = (program: Program, fn: Fn): Program => ({
  ...program,
  functions: new Map([...program.functions, [fn.name, fn]]),
});
const editEntry = (edit: (fn: Fn) => Partial<Fn>): Program => {
  const program = sample();
  const fn = entryOf(program);
  return withFn(program, { ...fn, ...edit(fn) });
};
const editInstr = <I extends Instr>(index: number, edit: (instr: I) => object): Program =>
  editEntry((fn) => ({
    body: fn.body.map((instr, i) => (i === index ? { ...instr, ...edit(instr as I) } : instr)),
  }));
const editValue = (at: number, info: Partial<ValueInfo>): Program =>
  editEntry((fn) => ({ values: new Map([...fn.values, [id(at), { ...fn.values.get(id(at))!, ...info }]]) }));
const editCall = (region: Region): Program => editInstr<CallInstr>(2, () => ({ region }));

const F32 = (...shape: number[]): ValueInfo['type'] => tensorType('f32', shape);

const BROKEN: readonly (readonly [string, () => Program, RegExp])[] = [
  ['an unknown entry', () => ({ ...sample(), entry: 'start' }), /entry start is not a function/],
  [
    'a symbol declared twice',
    () => ({ ...sample(), symbols: [SYMBOLS[0]!, SYMBOLS[0]!] }),
    /symbol B is declared twice/,
  ],
  ['bounds the wrong way round', () => ({ ...sample(), symbols: [{ name: 'B', min: 2, max: 1 }] }), /bounds 2\.\.1/],
  [
    'a function under another name',
    () => {
      const program = sample();
      return { ...program, functions: new Map([...program.functions, ['third', entryOf(program)]]) };
    },
    /function main stands under the name third/,
  ],
  [
    'a function name with a space',
    () => {
      const program = sample();
      return { ...program, functions: new Map([...program.functions, ['a b', { ...entryOf(program), name: 'a b' }]]) };
    },
    /"a b" has a space/,
  ],
  [
    'two parameters of one name',
    () => editEntry((fn) => ({ params: fn.params.map((p) => ({ ...p, name: 'x' })) })),
    /main: parameter "x" stands twice/,
  ],
  [
    'two results of one name',
    () => editEntry((fn) => ({ results: fn.results.map((r) => ({ ...r, name: 'z' })) })),
    /main: result "z" stands twice/,
  ],
  [
    'a value defined twice',
    () => editInstr<OpInstr>(1, (i) => ({ outputs: [id(2)], inputs: i.inputs })),
    /value %2 of tanh \(instruction 1, layers\/0\/ffn, "up"\) is defined twice/,
  ],
  [
    'a value without a type',
    () => editEntry((fn) => ({ values: new Map([...fn.values].filter(([v]) => v !== 3)) })),
    /value %3 of tanh \(instruction 1\) has no type/,
  ],
  [
    'a use before the definition',
    () => editInstr<OpInstr>(0, () => ({ inputs: [id(0), id(3)] })),
    /matmul \(instruction 0, layers\/0\/ffn, "up"\) uses %3/,
  ],
  ['a missing result', () => editEntry(() => ({ results: [{ name: 'z', id: id(99) }] })), /result "z" is %99/],
  [
    'a wrong shape',
    () => editValue(2, { type: F32(4, 5) }),
    /matmul \(instruction 0, layers\/0\/ffn, "up"\): outputs are f32\[4,5\], must be f32\[4,4\]/,
  ],
  [
    'a wrong dtype alone',
    () => editValue(3, { type: tensorType('bf16', [4, 4]) }),
    /tanh \(instruction 1, layers\/0\/ffn\): outputs are bf16\[4,4\], must be f32\[4,4\]/,
  ],
  [
    'an op that refuses its inputs',
    () => editValue(0, { type: F32(4, 3) }),
    /matmul \(instruction 0.*inner sizes must match/,
  ],
  [
    'too few inputs',
    () => editInstr<OpInstr>(0, () => ({ inputs: [id(0)] })),
    /matmul \(instruction 0.*takes 2 inputs, got 1/,
  ],
  [
    'too few outputs',
    () => editInstr<OpInstr>(0, () => ({ op: 'layerNorm', attrs: { epsilon: 1 }, inputs: [id(0), id(0), id(0)] })),
    /layerNorm \(instruction 0/,
  ],
  [
    'an op of no table',
    () => editInstr<OpInstr>(1, () => ({ op: 'constructor' })),
    /constructor \(instruction 1.*no op has this name/,
  ],
  [
    'a call of nothing',
    () => editInstr<CallInstr>(2, () => ({ fn: 'third' })),
    /call half \(instruction 2.*no function is named third/,
  ],
  [
    'inputs of a call in a wrong dtype',
    () => {
      const program = sample();
      const half = program.functions.get('half')!;
      const values = new Map(
        [...half.values].map(([v, info]) => [v, { ...info, type: { ...info.type, dtype: 'f16' as const } }]),
      );
      const attrs = { dtype: 'f16' as const, shape: [], value: 0.5 };
      const body = half.body.map((i) => (i.kind === 'op' && i.op === 'constant' ? { ...i, attrs } : i));
      return withFn(program, { ...half, values, body });
    },
    /call half \(instruction 2.*inputs of half are f32\[4,4\], must be f16\[4,4\]/,
  ],
  [
    'outputs of a call in a wrong shape',
    () => editValue(4, { type: F32(4) }),
    /call half \(instruction 2.*outputs of half are f32\[4\]/,
  ],
  [
    'a stack without layers',
    () => editInstr<RepeatInstr>(3, () => ({ bodies: [], layerInputs: [] })),
    /repeat stack \(instruction 3.*at least one layer/,
  ],
  [
    'a stack with too few inputs',
    () => editInstr<RepeatInstr>(3, () => ({ layerInputs: [[]] })),
    /repeat stack.*2 layers have 1 lists/,
  ],
  [
    'a layer with an input too many',
    () => editInstr<RepeatInstr>(3, () => ({ layerInputs: [[], [id(0)]] })),
    /repeat stack.*layer 4: inputs of layer/,
  ],
  [
    'a collected value in a wrong shape',
    () => editValue(6, { type: F32(3, 4) }),
    /repeat stack.*collected outputs are f32\[3,4\], must be f32\[2,4\]/,
  ],
  [
    'a carried value in a wrong dtype',
    () => editValue(5, { type: tensorType('i32', [4, 4]) }),
    /repeat stack.*carried outputs are i32\[4,4\], must be f32\[4,4\]/,
  ],
  [
    'a function that calls itself',
    () => {
      const program = sample();
      const half = program.functions.get('half')!;
      const call: CallInstr = {
        kind: 'call',
        fn: 'half',
        site: 'again',
        region: { kind: 'plain' },
        inputs: [id(0)],
        outputs: [id(9)],
      };
      return withFn(program, {
        ...half,
        body: [...half.body, call],
        values: new Map([...half.values, [id(9), { type: F32(4, 4) }]]),
      });
    },
    /half calls itself/,
  ],
  [
    'an inverse that is its own region',
    () => {
      const program = sample();
      const half = program.functions.get('half')!;
      const region: Region = { kind: 'reversible', inverse: 'half', streams: 1 };
      const call: CallInstr = {
        kind: 'call',
        fn: 'layer',
        site: 'again',
        region,
        inputs: [id(0)],
        outputs: [id(9), id(10)],
      };
      const values = new Map([...half.values, [id(9), { type: F32(4, 4) }], [id(10), { type: F32(4) }]] as const);
      return withFn(program, { ...half, body: [...half.body, call], values });
    },
    /inputs of the inverse half|calls itself/,
  ],
  [
    'an inverse of other streams',
    () => editCall({ kind: 'reversible', inverse: 'layer', streams: 1 }),
    /call half.*outputs of the inverse layer are f32\[4,4\], must be f32\[4,4\], f32\[4\]/,
  ],
  [
    'an inverse that is missing',
    () => editCall({ kind: 'reversible', inverse: 'none', streams: 1 }),
    /call half.*no function is named none/,
  ],
  [
    'a custom gradient of other inputs',
    () => editCall({ kind: 'customVjp', vjp: 'half' }),
    /call half.*inputs of the gradient half are f32\[4,4\], f32\[4,4\], f32\[4,4\]/,
  ],
  [
    'an undeclared symbol in a type',
    () => editValue(0, { type: tensorType('f32', [symbol('Q'), 4]) }),
    /symbol Q of %0 of parameter "x" is not declared/,
  ],
  [
    'an undeclared symbol in an attribute',
    () => editInstr<OpInstr>(1, () => ({ op: 'dimension', attrs: { of: symbol('Q') }, inputs: [] })),
    /symbol Q of dimension \(instruction 1.* is not declared/,
  ],
  [
    'a region that is not listed',
    () => editInstr<OpInstr>(1, () => ({ region: 2 })),
    /tanh \(instruction 1.*in region 2, which is not listed/,
  ],
  [
    'a call within a region that is not listed',
    () => editInstr<CallInstr>(2, () => ({ within: 0 })),
    /call half \(instruction 2.*in region 0/,
  ],
  [
    'a region of values that are gone',
    () =>
      editEntry(() => ({
        regions: [{ region: { kind: 'checkpoint' }, inputs: [id(0)], outputs: [id(77)], path: 'a' }],
      })),
    /main: region 0 \(a\) names %77/,
  ],
  [
    'a checkpoint with restored inputs',
    () =>
      editEntry(() => ({
        regions: [{ region: { kind: 'checkpoint' }, inputs: [id(0)], outputs: [id(3)], path: 'a', restored: [id(2)] }],
      })),
    /region 0 \(a\) is checkpoint and can't be restored/,
  ],
  [
    'restored inputs of another type',
    () =>
      editEntry(() => ({
        regions: [
          {
            region: { kind: 'reversible', inverse: 'half', streams: 1 },
            inputs: [id(0)],
            outputs: [id(3)],
            path: 'a',
            restored: [id(6)],
          },
        ],
      })),
    /region 0 \(a\): restored inputs are f32\[2,4\], must be f32\[4,4\]/,
  ],
];

describe('the verifier', () => {
  it('accepts the sample, and random programs before and after inlining', () => {
    verifyProgram(sample());
    for (let seed = 0; seed < 8; seed++) {
      const { program } = randomProgram(seed);
      verifyProgram(program);
      verifyProgram(inlineProgram(program, { customVjp: false, inverses: true }));
      verifyProgram(inlineProgram(program));
    }
  });

  it.each(BROKEN)('refuses %s', (_what, make, message) => {
    expect(() => verifyProgram(make())).toThrow(message);
  });

  it('sees a change of any single type of a flat program', () => {
    const program = inlineProgram(randomProgram(3).program);
    const fn = entryOf(program);
    const used = new Set(fn.body.flatMap((i) => (i.kind === 'op' ? [...i.inputs] : [])));
    for (const [value, info] of fn.values) {
      if (!used.has(value) && !fn.body.some((i) => i.outputs.includes(value))) continue;
      for (const type of [
        { ...info.type, dtype: 'bf16' as const },
        { ...info.type, shape: [...info.type.shape, 1] },
      ]) {
        const broken = withFn(program, { ...fn, values: new Map([...fn.values, [value, { ...info, type }]]) });
        expect(() => verifyProgram(broken), `%${value} as ${ROWS.dtype}`).toThrow();
      }
    }
  });
});
