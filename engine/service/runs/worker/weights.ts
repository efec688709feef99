/** What training changed: norms of the trained parameters and of their updates, and the weights that mixtures learnt. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { HostTensor } from '../../../backends/executable.ts';
import type { WeightsView } from '../../../protocol/api/runs.ts';
import { stackName, type Document } from '../../../protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../../protocol/ids.ts';
import { INITIAL_FILE, ADAPTER_FILE, readParameters } from '../../../trainer/run.ts';
import { openContainer } from '../../../workflow/container.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { RUN_FOLDER } from '../../../workflow/steps/train.ts';
import { attentionWeights, type SourceWeights } from './attention.ts';
import type { DoneSteps } from './steps.ts';

export async function weights(steps: DoneSteps, toolkit: ImportToolkit, home: string): Promise<WeightsView> {
  const { folder, container } = steps.lastTrained();
  const trained = readParameters(join(folder, RUN_FOLDER, ADAPTER_FILE));
  const first = join(folder, RUN_FOLDER, INITIAL_FILE);
  const initial = existsSync(first) ? readParameters(first) : new Map<string, HostTensor>();
  const parameters = [...trained].map(([name, { shape, data }]) => ({
    name,
    shape,
    norm: norm(data as Float32Array),
    updateNorm: difference(data as Float32Array, initial.get(name)?.data as Float32Array | undefined),
  }));
  const { document, model, sources } = openContainer(container, toolkit.registry);
  const scaled = scalings(document, model, trained, (bank) =>
    sources.flatMap((s) => (s.bank === bank ? [s.name] : [])),
  );
  const attended = await attentionWeights(steps, toolkit, home);
  return { parameters, sources: [...scaled, ...attended] };
}

const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** The norm of trained minus first values; of trained values alone when the first ones are not kept. */
function difference(values: Float32Array, initial: Float32Array | undefined): number {
  if (initial?.length !== values.length) return norm(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - (initial[i] as number)) ** 2;
  return Math.sqrt(sum);
}

/** The scales that ScaLearn learnt: for each layer and source the mean over the channels. */
function scalings(
  document: Document,
  model: ModelId,
  trained: ReadonlyMap<string, HostTensor>,
  namesOf: (bank: string) => readonly string[],
): readonly SourceWeights[] {
  const graph = document.models[model];
  if (!graph) return [];
  const found: SourceWeights[] = [];
  for (const [stackId, stack] of entriesOf<NodeId, (typeof graph.nodes)[NodeId]>(graph.nodes)) {
    if (!stack.stack || !stack.body) continue;
    const prefix = stackName(stackId, stack.stack);
    for (const [id] of entriesOf<NodeId, typeof stack>(stack.body.nodes)) {
      const omegas = [...trained].filter(([name]) => name.startsWith(`${prefix}/`) && name.endsWith(`/${id}/omega`));
      if (omegas.length === 0) continue;
      const ordered = omegas.sort(([a], [b]) => layerOf(a) - layerOf(b));
      const count = ordered[0]?.[1].shape[0] ?? 0;
      const bank = bankInto(stack.body, id);
      const names = bank === undefined ? [] : namesOf(bank);
      found.push({
        node: `${prefix}/*/${id}`,
        names: Array.from({ length: count }, (_, i) => names[i] ?? `source ${i + 1}`),
        values: ordered.map(([, tensor]) => rowMeans(tensor)),
      });
    }
  }
  return found;
}

/** The bank whose sources reach a node. */
function bankInto(
  graph: NonNullable<Document['models'][ModelId]['nodes'][NodeId]['body']>,
  id: NodeId,
): string | undefined {
  const from = graph.edges.find((e) => e.to.node === id && e.to.port === 'sources')?.from.node;
  return from === undefined ? undefined : graph.nodes[from]?.bank;
}

/** The layer in a path; a set that the layers share comes first. */
const layerOf = (path: string): number => Number(/\/(\d+)\//.exec(path)?.[1] ?? -1);

function rowMeans({ shape, data }: HostTensor): readonly number[] {
  const rows = shape[0] ?? 0;
  const width = data.length / Math.max(1, rows);
  return Array.from({ length: rows }, (_, r) => {
    const row = (data as Float32Array).subarray(r * width, (r + 1) * width);
    return row.reduce((sum, x) => sum + x, 0) / width;
  });
}
