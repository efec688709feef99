/**
 * Merging the sources of a mixture into one adapter, where that is exact. A weighted sum of bottlenecks is one bottleneck:
 *
 *   sum_s w_s * (U_s f(D_s x + b_s) + c_s)  =  [w_1 U_1 ... w_n U_n] f([D_1; ...; D_n] x + [b_1; ...; b_n]) + sum_s w_s c_s
 *
 * for one f and weights that do not depend on x. The merged model is written beside the run and compared with the original
 * on evaluation data, so that the difference is measured and not promised.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { must } from '../../../base/errors.ts';
import { fail, ok, type Result } from '../../../base/result.ts';
import type { HostTensor } from '../../../backends/executable.ts';
import type { TensorToWrite } from '../../../checkpoints/safetensors.ts';
import { collateExamples, sortedBatches } from '../../../trainer/examples.ts';
import { runModel } from '../../../trainer/runnable.ts';
import { openBackbone } from '../../../workflow/backbone.ts';
import { CONTAINER_FILE, openContainer, writeContainer, type Container } from '../../../workflow/container.ts';
import { encodedFolder, encodeRows, readData } from '../../../workflow/data.ts';
import { sourceModules } from '../../../workflow/modules.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { predictionProgram } from '../../../workflow/programs.ts';
import { openParts, openTrained, type TrainedModel } from '../../../workflow/trained.ts';
import { MERGED_FOLDER } from '../questions.ts';
import { mergedGraph, type Mixture } from './mergeGraph.ts';
import { evaluationData } from './results.ts';
import type { DoneSteps } from './steps.ts';

export interface MergeAnswer {
  readonly possible: boolean;
  readonly words: string;
  readonly difference?: number;
}

const EXAMPLES = 64;
/** What sums in another order make of logits in 32-bit numbers. */
const ROUNDING = 1e-3;

export async function mergeSources(steps: DoneSteps, toolkit: ImportToolkit, home: string): Promise<MergeAnswer> {
  const { container: file } = steps.lastTrained();
  const container = openContainer(file, toolkit.registry);
  const merged = mergedGraph(container, toolkit.registry);
  if (!merged.ok) return { possible: false, words: merged.error };
  const { document, mixtures } = merged.value;
  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of container.file.tensors) {
    if (name.startsWith('source/') || mixtures.some((m) => m.replaced.has(name))) continue;
    tensors.set(name, { dtype: 'f32', shape: entry.shape, data: container.read(name) });
  }
  for (const mixture of mixtures) {
    const made = mergedTensors(container, mixture);
    if (!made.ok) return { possible: false, words: made.error };
    for (const [name, tensor] of made.value) tensors.set(name, tensor);
  }
  const output = join(dirname(resolve(steps.loaded.file)), MERGED_FOLDER, CONTAINER_FILE);
  mkdirSync(dirname(output), { recursive: true });
  const { model, backbone, data, primary, metrics } = container;
  const modules = sourceModules(document, model, toolkit.registry);
  const written = [...tensors].map(([name, { shape, data: values }]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape,
    data: values,
  }));
  writeContainer(output, { model, document, modules, backbone, sources: [], data, primary, metrics }, written);
  const difference = await measured(steps, toolkit, home, file, output);
  const sizes = [...new Set(mixtures.map((m) => m.size))].join(', ');
  const words =
    difference === undefined
      ? `The sources merge into one adapter of size ${sizes}; there is no evaluation data to measure the difference on.`
      : `The sources merge into one adapter of size ${sizes}; its outputs differ by at most ${difference.toExponential(1)}${difference < ROUNDING ? ', which is rounding' : ''}.`;
  return { possible: true, words, ...(difference === undefined ? {} : { difference }) };
}

/** The tensors of the one adapter that stands for a mixture, layer by layer. */
function mergedTensors(container: Container, mixture: Mixture): Result<ReadonlyMap<string, HostTensor>> {
  const { sources, layers, size, width } = mixture;
  const made = new Map<string, HostTensor>();
  for (const layer of layers) {
    const down = new Float32Array(size * width);
    const downBias = new Float32Array(size);
    const up = new Float32Array(width * size);
    const upBias = new Float32Array(width);
    let at = 0;
    for (const [s, source] of sources.entries()) {
      const names = source.tensors(layer);
      if (!container.file.tensors.has(names.up)) return fail(`A source has nothing in layer ${layer}.`);
      const read = (name: string | undefined): Float32Array | undefined =>
        name === undefined ? undefined : container.read(name);
      const m = source.size;
      down.set(container.read(names.down), at * width);
      downBias.set(read(names.downBias) ?? new Float32Array(m), at);
      const own = container.read(names.up);
      const bias = read(names.upBias);
      const learned = read(names.scale);
      for (let i = 0; i < width; i++) {
        const scale = learned ? (learned[learned.length === 1 ? 0 : i] as number) : source.scale;
        const weight = mixture.weight(layer, s, i) * scale;
        if (!Number.isFinite(weight)) return fail('A learnt weight is no finite number.');
        for (let k = 0; k < m; k++) up[i * size + at + k] = weight * (own[i * m + k] as number);
        upBias[i] = (upBias[i] as number) + weight * (bias?.[i] ?? 0);
      }
      at += m;
    }
    const put = (name: string, shape: readonly number[], data: Float32Array): void =>
      void made.set(mixture.merged(layer, name), { dtype: 'f32', shape, data });
    put('down.weight', [size, width], down);
    put('down.bias', [size], downBias);
    put('up.weight', [width, size], up);
    put('up.bias', [width], upBias);
  }
  return ok(made);
}

/** The largest difference of a logit between the trained and the merged model; undefined without data. */
async function measured(
  steps: DoneSteps,
  toolkit: ImportToolkit,
  home: string,
  trained: string,
  merged: string,
): Promise<number | undefined> {
  const data = evaluationData(steps, steps.lastTrained().step);
  if (!data) return undefined;
  const { folder } = steps.loaded;
  const one = openTrained({ file: trained, toolkit, folder, home, threads: 0 });
  const other = openMerged(merged, toolkit, folder, home);
  try {
    const rows = await readData(data, one.data.labels, () => undefined);
    const all = encodeRows(rows, one.tokenizer, one.data.maxLength, encodedFolder(home));
    const [examples] = sortedBatches(all, EXAMPLES);
    if (!examples) return undefined;
    const batch = collateExamples(all, examples);
    const logits = async (model: TrainedModel): Promise<Float32Array> => {
      const use = await model.context(predictionProgram(model.compiled));
      const run = { batch, context: { firstPosition: use.firstPosition }, extra: undefined };
      const found = await runModel(use.model, { ...run, parameter: (name) => model.parameters.get(name) });
      return must(found.get(use.output), 'the logits').data as Float32Array;
    };
    const [a, b] = [await logits(one), await logits(other)];
    return a.reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
  } finally {
    await one.close();
    await other.close();
  }
}

function openMerged(file: string, toolkit: ImportToolkit, folder: string, home: string): TrainedModel {
  const container = openContainer(file, toolkit.registry);
  const { document, model, data, primary } = container;
  const backbone = openBackbone(container.backbone.reference, folder, home);
  const parameter = (name: string): Pick<HostTensor, 'shape' | 'data'> | undefined => {
    const entry = container.file.tensors.get(name);
    return entry && { shape: entry.shape, data: container.read(name) };
  };
  return openParts(
    { document, model, backbone, sources: [], parameter, data, primary, file },
    { toolkit, home, threads: 0 },
  );
}
