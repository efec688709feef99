/**
 * How much a trained fusion attends to each of its sources: the mean of its attention weights over the real tokens of a
 * part of the evaluation data. The weights are values inside of the node, so they are made results of the Program.
 */
import type { HostTensor } from '../../../backends/executable.ts';
import type { Batch } from '../../../data/batches.ts';
import type { Fn, FnResult, Program } from '../../../ir/program.ts';
import { eliminateDeadCode, withoutRegions } from '../../../passes/dce.ts';
import { inlineProgram } from '../../../passes/inline.ts';
import { runPipeline } from '../../../passes/pipeline.ts';
import type { WeightsView } from '../../../protocol/api/runs.ts';
import { collateExamples, sortedBatches } from '../../../trainer/examples.ts';
import { entryFn, keepResults } from '../../../trainer/programs.ts';
import { runModel } from '../../../trainer/runnable.ts';
import { encodedFolder, encodeRows, readData } from '../../../workflow/data.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { pipelineOptions } from '../../../workflow/programs.ts';
import { openTrained } from '../../../workflow/trained.ts';
import { openContainer } from '../../../workflow/container.ts';
import { evaluationData } from './results.ts';
import type { DoneSteps } from './steps.ts';

export type SourceWeights = WeightsView['sources'][number];

const RESULT = 'attention/';
const MOST_EXAMPLES = 64;

export async function attentionWeights(
  steps: DoneSteps,
  toolkit: ImportToolkit,
  home: string,
): Promise<readonly SourceWeights[]> {
  const { step, container } = steps.lastTrained();
  const { document, model: id, sources } = openContainer(container, toolkit.registry);
  const nodes = Object.values(document.models[id]?.nodes ?? {}).flatMap((n) => Object.entries(n.body?.nodes ?? {}));
  const fusions = new Set(nodes.flatMap(([name, node]) => (node.type === 'peft.fusion' ? [name] : [])));
  const data = fusions.size === 0 ? undefined : evaluationData(steps, step);
  if (!data) return [];
  const model = openTrained({ file: container, toolkit, folder: steps.loaded.folder, home, threads: 0 });
  try {
    const program = withAttention(model.compiled.program, fusions);
    const flat = runPipeline(program, pipelineOptions(model.compiled, false)).program;
    const use = await model.context(keepResults(flat, (name) => name.startsWith(RESULT)));
    const rows = await readData(data, model.data.labels, () => undefined);
    const all = encodeRows(rows, model.tokenizer, model.data.maxLength, encodedFolder(home));
    const [examples] = sortedBatches(all, MOST_EXAMPLES);
    if (!examples) return [];
    const batch = collateExamples(all, examples);
    const found = await runModel(use.model, {
      batch,
      context: { firstPosition: use.firstPosition },
      extra: undefined,
      parameter: (name) => model.parameters.get(name),
    });
    return grouped(found, batch, [...new Set(sources.map((s) => s.name))]);
  } finally {
    await model.close();
  }
}

/** The flat Program with the attention weights of all fusions as results: `attention/layers/3/fusion`. */
function withAttention(program: Program, fusions: ReadonlySet<string>): Program {
  const flat = inlineProgram(program);
  const fn: Fn = entryFn(flat);
  const results: FnResult[] = [];
  for (const [value, { name, path }] of fn.values) {
    if (name !== 'weights' || path === undefined || !fusions.has(path.split('/').at(-1) ?? '')) continue;
    results.push({ name: `${RESULT}${path}`, id: value });
  }
  const cut = withoutRegions({ ...flat, functions: new Map([[fn.name, { ...fn, results }]]) });
  return eliminateDeadCode(cut);
}

function grouped(
  found: ReadonlyMap<string, HostTensor>,
  batch: Batch,
  names: readonly string[],
): readonly SourceWeights[] {
  const groups = new Map<string, Map<number, readonly number[]>>();
  for (const [name, tensor] of found) {
    const path = name.slice(RESULT.length);
    const layer = Number(/\/(\d+)\//.exec(path)?.[1] ?? 0);
    const key = path.replace(/\/\d+\//, '/*/');
    const group = groups.get(key) ?? new Map<number, readonly number[]>();
    groups.set(key, group.set(layer, means(tensor, batch)));
  }
  return [...groups].map(([node, layers]) => {
    const values = [...layers].sort(([a], [b]) => a - b).map(([, row]) => row);
    const count = values[0]?.length ?? 0;
    return { node, names: Array.from({ length: count }, (_, i) => names[i] ?? `source ${i + 1}`), values };
  });
}

/** The mean over real tokens of `[B, T, n]` or, when only they are computed, `[N, n]`. */
function means({ shape, data }: HostTensor, batch: Batch): readonly number[] {
  const width = shape[shape.length - 1] ?? 0;
  const padded = shape.length === 3 && shape[0] === batch.B && shape[1] === batch.T;
  const places = padded ? batch.packIndex : Int32Array.from({ length: data.length / width }, (_, i) => i);
  return Array.from({ length: width }, (_, k) => {
    const sum = places.reduce((total, place) => total + ((data as Float32Array)[place * width + k] as number), 0);
    return sum / Math.max(1, places.length);
  });
}
