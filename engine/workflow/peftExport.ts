/** PEFT files of a trained model: written where the graph fits into them, else the reason in words. */
import { BugError, must } from '../base/errors.ts';
import { ok, type Result } from '../base/result.ts';
import type { HostTensor } from '../backends/executable.ts';
import type { PeftType } from '../checkpoints/peft/config.ts';
import { writePeftFiles } from '../checkpoints/peft/folder.ts';
import { listModels, type StoreOptions } from '../checkpoints/store.ts';
import { fitPeft, type PeftSubject } from './peft/fit.ts';
import type { Affine, TensorSource } from './peft/plan.ts';

/** Name of the folder beside a container. */
export const PEFT_FOLDER = 'peft';

export type Parameters = ReadonlyMap<string, Pick<HostTensor, 'shape' | 'data'>>;

/** The PEFT type of a graph, or in words why it has none. */
export function peftTypeOf(subject: PeftSubject): Result<PeftType> {
  const plan = fitPeft(subject);
  return plan.ok ? ok(plan.value.config.type) : plan;
}

/**
 * Writes the PEFT folder of a trained model. `parameters` are all trained ones by path. When the graph does not fit,
 * nothing is written and the reason comes back. Throws a `UserError` when the disk is full.
 */
export function writePeftFolder(folder: string, subject: PeftSubject, parameters: Parameters): Result<PeftType> {
  const plan = fitPeft(subject);
  if (!plan.ok) return plan;
  const { config, tensors } = plan.value;
  writePeftFiles(
    folder,
    config,
    tensors.map(({ name, shape, source }) => ({ name, dtype: 'F32', shape, data: valueOf(source, parameters) })),
  );
  return ok(config.type);
}

/** The name under which everyone can get a model of this content: that of a hub or a package, never a folder. */
export function publicModelName(contentHash: string, options: StoreOptions = {}): string | undefined {
  const isPublic = new Set(['hub', 'package']);
  return listModels(options).models.find((m) => m.contentHash === contentHash && isPublic.has(m.source))?.id;
}

function valueOf(source: TensorSource, parameters: Parameters): Float32Array {
  const read = (path: string): Matrix => {
    const { shape, data } = must(parameters.get(path), `trained parameter "${path}"`);
    if (!(data instanceof Float32Array)) throw new BugError(`"${path}" is not float32`);
    return { rows: shape[0] ?? 1, data };
  };
  switch (source.kind) {
    case 'whole':
      return read(source.path).data;
    case 'columns':
      return sideBySide(source.paths.map(read));
    case 'prefixMlp': {
      const embedding = read(source.embedding);
      const hidden = applyAffine(embedding, source.inner, read);
      hidden.data.forEach((x, i) => (hidden.data[i] = Math.tanh(x)));
      return sideBySide(source.layers.map((layer) => applyAffine(hidden, layer, read)));
    }
  }
}

/** Row-major. */
interface Matrix {
  readonly rows: number;
  readonly data: Float32Array;
}

/** `[rows, n]` each to `[rows, sum of n]`. */
function sideBySide(parts: readonly Matrix[]): Float32Array {
  const rows = parts[0]?.rows ?? 0;
  const width = parts.reduce((n, p) => n + p.data.length / rows, 0);
  const out = new Float32Array(rows * width);
  let column = 0;
  for (const { data } of parts) {
    const own = data.length / rows;
    for (let r = 0; r < rows; r++) out.set(data.subarray(r * own, (r + 1) * own), r * width + column);
    column += own;
  }
  return out;
}

/** x W^T + b with sums in double precision. */
function applyAffine(x: Matrix, { weight, bias }: Affine, read: (path: string) => Matrix): Matrix {
  const { rows: outputs, data: w } = read(weight);
  const { data: b } = read(bias);
  const inputs = w.length / outputs;
  const data = new Float32Array(x.rows * outputs);
  for (let r = 0; r < x.rows; r++) {
    for (let o = 0; o < outputs; o++) {
      let sum = b[o] as number;
      for (let i = 0; i < inputs; i++) sum += (x.data[r * inputs + i] as number) * (w[o * inputs + i] as number);
      data[r * outputs + o] = sum;
    }
  }
  return { rows: x.rows, data };
}
