/**
 * The inputs of a Program, by name, made from a batch. Only what the Program declares is made. Shapes follow from the
 * batch, and where a declared shape is longer than the text (a soft prompt), from the declaration.
 */
import { rowKey } from '../base/counterHash.ts';
import { BugError, must } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import { unpackClasses, type Batch } from '../data/batches.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { Program } from '../ir/program.ts';
import type { ValueType } from '../ir/types.ts';

/** The inputs that a Program asks for besides weights, trainable parameters and states. */
export type DeclaredInputs = ReadonlyMap<string, ValueType>;

export function declaredInputs(program: Program): DeclaredInputs {
  const fn = must(program.functions.get(program.entry), 'the entry exists');
  return new Map(
    fn.params
      .filter((p) => p.role === 'input')
      .map((p) => [p.name, must(fn.values.get(p.id), `type of "${p.name}"`).type]),
  );
}

/** Further inputs of a model: values of frozen layers that are kept over the epochs. */
export interface ExtraInputs {
  readonly names: ReadonlySet<string>;
  feeds(batch: Batch): Promise<ReadonlyMap<string, HostTensor>>;
}

/** What a batch does not know of itself. */
export interface FeedContext {
  /** Row of the first position in the position table: 0 for BERT, 2 for RoBERTa. */
  readonly firstPosition: number;
  /** The key of the step's noise; absent in evaluation. */
  readonly noiseKey?: readonly [number, number];
  /** Factor of each loss's sum in the objective. */
  readonly scales?: ReadonlyMap<string, number>;
}

export function batchFeeds(inputs: DeclaredInputs, batch: Batch, context: FeedContext): Map<string, HostTensor> {
  const feeds = new Map<string, HostTensor>();
  const bindings = new Map([
    ['B', batch.B],
    ['T', batch.T],
    ['N', batch.N],
  ]);
  for (const [name, type] of inputs) {
    const shape = type.shape.map((d) => evaluateDim(d, bindings));
    feeds.set(name, makeInput(name, type, shape, batch, context));
  }
  return feeds;
}

const i32 = (shape: readonly number[], data: Int32Array): HostTensor => ({ dtype: 'i32', shape, data });

function makeInput(
  name: string,
  type: ValueType,
  shape: readonly number[],
  batch: Batch,
  context: FeedContext,
): HostTensor {
  switch (name) {
    case 'batch/ids':
      return i32(shape, batch.ids);
    case 'batch/typeIds':
      return i32(shape, batch.typeIds);
    case 'batch/positions':
      return i32(
        shape,
        byPosition(shape, (_row, t) => context.firstPosition + t),
      );
    case 'batch/lengths':
      return i32(shape, batch.lengths);
    case 'batch/labels':
      return labelTensor(batch, type, shape);
    case 'rng/key': {
      const key = must(context.noiseKey, 'a Program with noise runs in training only');
      return { dtype: 'u32', shape, data: Uint32Array.from(key) };
    }
    case 'rng/tokens':
      return i32(
        shape,
        byPosition(shape, (row, t) => rowKey(batch.examples[row] as number, t)),
      );
    case 'rng/examples':
      return i32(
        shape,
        batch.examples.map((e) => rowKey(e, -1)),
      );
    case 'pack/index':
      return i32(shape, batch.packIndex);
    case 'pack/starts':
      return i32(shape, batch.firstRow);
    default:
      return scaleTensor(name, context);
  }
}

const SCALE = 'scale/';

function scaleTensor(name: string, { scales }: FeedContext): HostTensor {
  if (!name.startsWith(SCALE)) throw new BugError(`the trainer knows no input "${name}"`);
  // An evaluation reads sums and weights only, so the factors of its objective are free.
  const value = scales === undefined ? 1 : must(scales.get(name.slice(SCALE.length)), `the factor of "${name}"`);
  return { dtype: 'f32', shape: [], data: Float32Array.of(value) };
}

function byPosition(shape: readonly number[], value: (row: number, t: number) => number): Int32Array {
  const [rows, length] = shape as readonly [number, number];
  const data = new Int32Array(rows * length);
  for (let row = 0; row < rows; row++) for (let t = 0; t < length; t++) data[row * length + t] = value(row, t);
  return data;
}

function labelTensor(batch: Batch, type: ValueType, shape: readonly number[]): HostTensor {
  const { labels } = batch;
  switch (labels.kind) {
    case 'classification':
      return i32(shape, labels.classes);
    case 'tokens':
      return i32(shape, type.shape.length === 1 ? labels.classes : unpackClasses(batch, labels.classes));
    case 'regression':
    case 'multilabel':
      return { dtype: 'f32', shape, data: labels.values };
    case 'none':
      throw new BugError('a Program that reads labels was given data without labels');
  }
}
