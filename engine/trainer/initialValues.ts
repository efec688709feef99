/**
 * The first values of trainable parameters, computed once per run and loaded by every backend. Each parameter has a
 * random stream of its own, named by its path, so that no value depends on which other parameters there are or on their
 * order. Nothing is read here but the frozen weights that an initial value is computed from.
 */
import { assertNever, BugError, must } from '../base/errors.ts';
import {
  fillNormal,
  fillTruncatedNormal,
  fillUniform,
  permutation,
  randomKey,
  type RandomKey,
} from '../base/random.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { EntryParameter } from '../compile/model.ts';
import { evaluateDim, type SymbolBindings } from '../ir/dim.ts';
import type { InitSpec } from '../nodekit/init.ts';
import type { WeightReader } from './backend.ts';

/** What the initial values of one tensor depend on. */
export interface InitialRequest {
  readonly path: string;
  readonly shape: readonly number[];
  readonly init: InitSpec;
  readonly seed: number;
  /** Distinguishes the parts of a parameter that grew: 0 is what a run begins with. */
  readonly segment: number;
  /** The frozen weight that the spec names, with its shape; asked for only by specs that have one. */
  readonly weight: () => { readonly values: Float32Array; readonly shape: readonly number[] };
}

/** All trainable parameters by name. `sizes` binds the symbols of growing axes. */
export function initialValues(
  parameters: readonly EntryParameter[],
  weights: WeightReader,
  seed: number,
  sizes: SymbolBindings = new Map(),
): ReadonlyMap<string, HostTensor> {
  const values = new Map<string, HostTensor>();
  for (const p of parameters) {
    if (p.role !== 'trainable') continue;
    const shape = p.type.shape.map((d) => evaluateDim(d, sizes));
    values.set(p.name, { dtype: 'f32', shape, data: initialOf(p, parameters, weights, seed, shape, 0) });
  }
  return values;
}

/** The initial values of one parameter, or of a part of it that is added later. */
export function initialOf(
  p: EntryParameter,
  parameters: readonly EntryParameter[],
  weights: WeightReader,
  seed: number,
  shape: readonly number[],
  segment: number,
): Float32Array {
  const weight = (): { values: Float32Array; shape: readonly number[] } => {
    const source = must(
      parameters.find((w) => w.role === 'weight' && w.paths.includes(p.initFrom ?? '')),
      `the weight "${p.initFrom ?? ''}" that "${p.path}" starts from is a parameter of the model`,
    );
    return { values: weights.read(source.name), shape: source.type.shape.map((d) => evaluateDim(d, new Map())) };
  };
  const init = must(p.init, `"${p.path}" has an initial value`);
  return computeInitial({ path: p.path, shape, init, seed, segment, weight });
}

export function computeInitial(request: InitialRequest): Float32Array {
  const { path, shape, init, seed, segment } = request;
  const out = new Float32Array(shape.reduce((n, d) => n * d, 1));
  const key = (): RandomKey => randomKey(seed, 'initial value', path, segment);
  switch (init.kind) {
    case 'constant':
      return out.fill(init.value);
    case 'normal':
      fillNormal(out, key(), init.mean, init.std);
      return out;
    case 'truncatedNormal':
      fillTruncatedNormal(out, key(), 0, init.std, -init.limit, init.limit);
      return out;
    case 'uniform':
      fillUniform(out, key(), init.low, init.high);
      return out;
    case 'diagonal':
      return fillDiagonal(out, path, shape, init.diagonal, init.rest);
    case 'copy':
      return copyWeight(request, out);
    case 'rowNorm':
      return rowNorms(request, out, init.inputAxis);
    case 'sampleRows':
      return sampleRows(request, out, init.among, key());
    default:
      return assertNever(init, 'initial value');
  }
}

function fillDiagonal(
  out: Float32Array,
  path: string,
  shape: readonly number[],
  diagonal: number,
  rest: number,
): Float32Array {
  const [rows, columns] = shape;
  if (rows === undefined || columns === undefined || shape.length !== 2)
    throw new BugError(`"${path}" has a diagonal, so it is a matrix; its shape is [${shape.join(',')}]`);
  out.fill(rest);
  for (let i = 0; i < Math.min(rows, columns); i++) out[i * columns + i] = diagonal;
  return out;
}

function copyWeight({ path, shape, weight }: InitialRequest, out: Float32Array): Float32Array {
  const source = weight();
  if (source.values.length !== out.length)
    throw new BugError(`"${path}" [${shape.join(',')}] copies a weight of shape [${source.shape.join(',')}]`);
  out.set(source.values);
  return out;
}

/** Euclidean norms over the input axis of a matrix, added up in float64. */
function rowNorms({ path, weight }: InitialRequest, out: Float32Array, inputAxis: 0 | 1): Float32Array {
  const { values, shape } = weight();
  const [rows, columns] = shape as readonly [number, number];
  const squares = new Float64Array(inputAxis === 1 ? rows : columns);
  if (squares.length !== out.length)
    throw new BugError(`"${path}" holds ${out.length} norms of a weight of shape [${shape.join(',')}]`);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = inputAxis === 1 ? i : j;
      squares[at] = (squares[at] as number) + (values[i * columns + j] as number) ** 2;
    }
  }
  squares.forEach((s, i) => (out[i] = Math.sqrt(s)));
  return out;
}

/** Different rows of a table in random order, from its first `among` rows. */
function sampleRows(
  { path, shape, weight }: InitialRequest,
  out: Float32Array,
  among: number,
  key: RandomKey,
): Float32Array {
  const table = weight();
  const [rows, width] = table.shape as readonly [number, number];
  const count = shape[0] as number;
  if (shape[1] !== width || count > Math.min(among, rows))
    throw new BugError(`"${path}" [${shape.join(',')}] takes rows of the first ${among} of [${rows},${width}]`);
  const order = permutation(key, Math.min(among, rows));
  for (let i = 0; i < count; i++) {
    const row = order[i] as number;
    out.set(table.values.subarray(row * width, (row + 1) * width), i * width);
  }
  return out;
}
