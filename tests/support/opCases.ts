/** Every case of every op as a small program: parameters `x0, x1, ...`, results `y0, y1, ...`, and a random weighted sum `total`. */
import type { Program } from '../../engine/ir/program.ts';
import type { OpName } from '../../engine/ir/opAttrs.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { tensorType } from '../../engine/ir/types.ts';
import type { CaseInput, NDArray, OpCase } from '../../engine/ops/rule.ts';
import { OP_NAMES, ruleOf } from '../../engine/ops/table.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';
import { randomArray, testRandom } from './arrays.ts';
import { innerProduct, programOf, type Feeds } from './gradients.ts';

export interface OpCaseEntry {
  readonly label: string;
  readonly op: OpName;
  readonly index: number;
  readonly attrs: OpCase<OpName>['attrs'];
  readonly inputs: readonly CaseInput[];
}

export const OP_CASES: readonly OpCaseEntry[] = OP_NAMES.flatMap((op) =>
  ruleOf(op).cases.map((c, index) => ({
    label: `${op} ${JSON.stringify(c.attrs)} ${c.inputs.map((i) => `[${i.shape.join(',')}]`).join(' ')}`,
    op,
    index,
    attrs: c.attrs,
    inputs: c.inputs,
  })),
);

export const isFloatInput = (input: CaseInput): boolean => (input.dtype ?? 'f32') === 'f32';

/** Names of the float inputs. */
export const floatInputs = (entry: OpCaseEntry): string[] =>
  entry.inputs.flatMap((input, i) => (isFloatInput(input) ? [`x${i}`] : []));

export const caseInputs = (entry: OpCaseEntry): NDArray[] => {
  const random = testRandom('case', entry.op, entry.index);
  return entry.inputs.map((input) => randomArray(random, input));
};

/** The op itself, or what its `decompose` gives. */
export type Form = 'op' | 'decomposed';

export interface CaseProgram {
  readonly program: Program;
  readonly feeds: Feeds;
  /** Whether some output is a float, so that `total` exists. */
  readonly hasTotal: boolean;
}

export function caseProgram(entry: OpCaseEntry, form: Form = 'op'): CaseProgram {
  const random = testRandom('weights', entry.op, entry.index);
  const builder = new FnBuilder();
  const arrays = caseInputs(entry);
  const feeds = new Map<string, NDArray>();
  const inputs = arrays.map((x, i) => {
    feeds.set(`x${i}`, x);
    return builder.param(`x${i}`, isFloatInput(x) ? 'trainable' : 'input', tensorType(x.dtype, x.shape));
  });
  const outputs = emitForm(builder, entry, form, inputs);
  const results = outputs.map((value, i) => ({ name: `y${i}`, value }));
  const pairs = outputs.flatMap((y, i): (readonly [Tensor, Tensor])[] => {
    if (y.type.dtype !== 'f32') return [];
    const shape = y.type.shape as readonly number[];
    feeds.set(`w${i}`, randomArray(random, { shape, range: [0.5, 1.5] }));
    return [[y, builder.param(`w${i}`, 'input', y.type)]];
  });
  const hasTotal = pairs.length > 0;
  if (hasTotal) results.push({ name: 'total', value: innerProduct(pairs) });
  return { program: programOf(builder.finish('main', results)), feeds, hasTotal };
}

function emitForm(builder: FnBuilder, entry: OpCaseEntry, form: Form, inputs: readonly Tensor[]): readonly Tensor[] {
  if (form === 'op') return builder.emit(entry.op, inputs, entry.attrs);
  return ruleOf(entry.op).decompose!(entry.attrs, inputs);
}
