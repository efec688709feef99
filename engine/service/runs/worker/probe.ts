/**
 * What flows on a wire for one batch. The wire's end is made an output of the model: inside of a stack its layer is split
 * off first, which changes no parameter's path, and collects the value. So every node is asked in the same way, and the
 * value is that of the model as it is wired, before training.
 */
import { must, UserError } from '../../../base/errors.ts';
import type { HostTensor } from '../../../backends/executable.ts';
import type { Batch } from '../../../data/batches.ts';
import type { ProbeView } from '../../../protocol/api/check.ts';
import { stackName, type Document, type Graph, type Node } from '../../../protocol/document.ts';
import { addNode, connect, inModel, replaceGraph, splitStack, type EditResult } from '../../../protocol/edit.ts';
import {
  entriesOf,
  nodeId,
  portId,
  recordOf,
  WALL_OUT,
  type ModelId,
  type NodeId,
  type PortId,
} from '../../../protocol/ids.ts';
import { collateExamples, exampleCount } from '../../../trainer/examples.ts';
import { initialValues } from '../../../trainer/initialValues.ts';
import { compileRunnable, runModel } from '../../../trainer/runnable.ts';
import { keepResults } from '../../../trainer/programs.ts';
import { openDevice } from '../../../workflow/devices.ts';
import type { ImportToolkit } from '../../../workflow/peftImport.ts';
import { predictionProgram } from '../../../workflow/programs.ts';
import { prepareTraining } from '../../../workflow/steps/train.ts';
import { problem } from '../../problems.ts';
import type { ProbeQuestion } from '../questions.ts';
import { draftSteps, trainingRequest } from './training.ts';

const PROBE = 'espalier_probe';
const EXAMPLES = 8;
const BINS = 40;

export async function probe(question: ProbeQuestion, toolkit: ImportToolkit, home: string): Promise<ProbeView> {
  const steps = await draftSteps(question, toolkit, home);
  const { step, request } = trainingRequest(steps, question, toolkit, home, { model: question.model });
  const document = withProbe(request.model.document, question, toolkit);
  const prepared = await prepareTraining({ ...request, model: { ...request.model, document } });
  const { evaluation, weights, firstPosition, trainSet } = prepared;
  const device = openDevice({
    weights: weights.sources,
    near: request.model.backbone.checkpoint.folder,
    threads: question.threads,
    home,
  });
  try {
    const program = keepResults(predictionProgram(evaluation), (name) => name === `output/${PROBE}`);
    const model = await compileRunnable(device.backend, program);
    try {
      const rows = trainSet.rows ?? Int32Array.from({ length: exampleCount(trainSet) }, (_, i) => i);
      const batch = collateExamples(trainSet, rows.slice(0, EXAMPLES));
      const seed = Number(step.step.params['seed'] ?? 0);
      const values = initialValues(evaluation.parameters, weights.reader, seed);
      const parameter = (name: string): HostTensor | undefined => values.get(name);
      const results = await runModel(model, { batch, context: { firstPosition }, extra: undefined, parameter });
      return describe(must(results.get(`output/${PROBE}`), 'the probe is a result'), batch, question.node);
    } finally {
      await model.executable.dispose();
    }
  } finally {
    device.close();
  }
}

const noProbe = (question: ProbeQuestion, message: string): UserError => {
  const where = { model: question.model, node: question.node, port: question.port };
  return new UserError(problem('probe', message, 'Choose a wire that carries a tensor.', { where }));
};

/** The document with the wire's value as an output of the model. */
function withProbe(document: Document, question: ProbeQuestion, toolkit: ImportToolkit): Document {
  const model = question.model as ModelId;
  const parts = question.node.split('/');
  const last = parts.at(-1) ?? '';
  const port = portId(question.port);
  if (parts.length === 1)
    return withOutput(
      checked(document, model, undefined, last, question, toolkit),
      model,
      nodeId(last),
      port,
      question,
    );
  const layer = Number(parts.at(-2));
  const name = parts.slice(0, -2).join('/');
  if (!Number.isInteger(layer) || name.includes('/')) throw noProbe(question, 'There is no such node.');
  const cut = isolate(document, model, name, layer, question);
  const stack = must(cut.document.models[model]?.nodes[cut.stack], 'the stack of the layer');
  checked(cut.document, model, stack, last, question, toolkit);
  const body = must(stack.body, 'a stack has a body');
  const collected: Node = {
    ...stack,
    stack: { ...must(stack.stack, 'a stack'), collect: [...(stack.stack?.collect ?? []), portId(PROBE)] },
    body: {
      ...body,
      edges: [...body.edges, { from: { node: nodeId(last), port }, to: { node: WALL_OUT, port: portId(PROBE) } }],
    },
  };
  const top: Graph = must(cut.document.models[model], 'the model');
  const nodes = entriesOf<NodeId, Node>(top.nodes).map(([id, n]) => [id, id === cut.stack ? collected : n] as const);
  const collecting = replaceGraph(cut.document, inModel(model), { ...top, nodes: recordOf(nodes) });
  return withOutput(collecting, model, cut.stack, portId(PROBE), question);
}

/** Refuses ports that carry no tensor, and nodes that are not there. */
function checked(
  document: Document,
  model: ModelId,
  stack: Node | undefined,
  id: string,
  question: ProbeQuestion,
  { registry }: ImportToolkit,
): Document {
  const graph = stack ? stack.body : document.models[model];
  const node = graph?.nodes[id as NodeId];
  if (!node) throw noProbe(question, 'There is no such node.');
  const kind = node.stack ? 'tensor' : registry.get(node.type)?.outputs[question.port]?.kind;
  if (kind === undefined) throw noProbe(question, 'The node has no such output.');
  if (kind !== 'tensor') throw noProbe(question, `This wire carries ${WORDS.get(kind) ?? kind}, not one tensor.`);
  return document;
}

const WORDS: ReadonlyMap<string, string> = new Map([
  ['transform', 'a change of a linear layer'],
  ['tokens', 'the batch itself'],
  ['loss', 'a loss, which the curve shows'],
  ['affine', 'scale and shift of a norm'],
  ['kv', 'keys and values'],
  ['sources', 'several tensors'],
]);

/** The stack that holds one layer alone; the stack may have been split by its owner already. */
function isolate(
  document: Document,
  model: ModelId,
  name: string,
  layer: number,
  question: ProbeQuestion,
): { readonly document: Document; readonly stack: NodeId } {
  const holding = (d: Document): readonly [NodeId, Node] => {
    const all = entriesOf<NodeId, Node>(must(d.models[model], 'the model').nodes);
    const found = all.find(
      ([id, { stack }]) =>
        stack && stackName(id, stack) === name && layer >= stack.first && layer < stack.first + stack.repeat,
    );
    if (!found) throw noProbe(question, `There is no layer ${layer} in "${name}".`);
    return found;
  };
  let current = document;
  for (const boundary of [layer, layer + 1]) {
    const [id, { stack }] = holding(current);
    const { first, repeat } = must(stack, 'a stack');
    if (boundary <= first || boundary >= first + repeat) continue;
    current = valueOf(splitStack(current, { graph: inModel(model), node: id }, boundary));
  }
  return { document: current, stack: holding(current)[0] };
}

function withOutput(document: Document, model: ModelId, from: NodeId, port: PortId, question: ProbeQuestion): Document {
  if (document.models[model] === undefined) throw noProbe(question, 'There is no such model.');
  const at = inModel(model);
  const node: Node = {
    type: 'output',
    version: 1,
    params: recordOf<string, string | boolean>([
      ['name', PROBE],
      ['main', false],
    ]),
  };
  const added = valueOf(addNode(document, at, PROBE, node));
  return valueOf(connect(added, at, { from: { node: from, port }, to: { node: nodeId(PROBE), port: portId('x') } }));
}

function valueOf(result: EditResult): Document {
  if (result.ok) return result.value;
  throw new UserError(result.error);
}

/** Figures of the values at real positions; what stands in the padding has no meaning. */
function describe({ shape, data }: HostTensor, batch: Batch, node: string): ProbeView {
  const inLayer = node.includes('/') && shape[0] === 1;
  const own = inLayer ? shape.slice(1) : shape;
  const values = realValues(data as Float32Array, own, batch);
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
  for (const x of values) {
    if (!Number.isFinite(x)) continue;
    count += 1;
    sum += x;
    min = Math.min(min, x);
    max = Math.max(max, x);
  }
  const mean = sum / Math.max(1, count);
  const counts = Array.from({ length: BINS }, () => 0);
  let squares = 0;
  const width = max > min ? (max - min) / BINS : 1;
  for (const x of values) {
    if (!Number.isFinite(x)) continue;
    squares += (x - mean) ** 2;
    const bin = Math.min(BINS - 1, Math.floor((x - min) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const none = count === 0;
  return {
    shape: own,
    mean,
    deviation: Math.sqrt(squares / Math.max(1, count)),
    min: none ? 0 : min,
    max: none ? 0 : max,
    notFinite: values.length - count,
    histogram: { from: none ? 0 : min, to: none ? 0 : max, counts },
  };
}

function realValues(data: Float32Array, shape: readonly number[], batch: Batch): Float32Array {
  const padded = shape.length >= 2 && shape[0] === batch.B && shape[1] === batch.T && batch.N < batch.B * batch.T;
  if (!padded) return data;
  const width = data.length / (batch.B * batch.T);
  const real = new Float32Array(batch.N * width);
  batch.packIndex.forEach((place, n) => real.set(data.subarray(place * width, (place + 1) * width), n * width));
  return real;
}
