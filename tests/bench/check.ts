/**
 * `check` after one edit: a document with a stack of 32 layers and 200 modules of their own, one parameter changed, every
 * finding again. What was traced before and the opened backbone stay, as they do in a session.
 */
import { must } from '../../engine/base/errors.ts';
import { makeToolkit } from '../../engine/cli/toolkit.ts';
import { newMemo } from '../../engine/compile/model.ts';
import { emptyDocument, type Document, type Edge, type Graph, type Node } from '../../engine/protocol/document.ts';
import { entriesOf, modelId, nodeId, portId, recordOf, type NodeId } from '../../engine/protocol/ids.ts';
import { checkModels } from '../../engine/workflow/check.ts';
import { checkDocument } from '../../engine/workflow/loadDocument.ts';
import { bertGraph, type BertConfig } from '../../nodes/index.ts';
import { load, median, round, say, type Bench } from './bench.ts';

const LAYERS = 32;
const MODULES = 200;
const EDITS = 15;
const MAIN = modelId('main');

const CONFIG: BertConfig = {
  family: 'bert',
  prefix: '',
  hasPooler: true,
  vocabulary: 30522,
  width: 768,
  layers: LAYERS,
  heads: 12,
  intermediate: 3072,
  activation: 'gelu',
  dropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: 0.1,
  positions: 512,
  types: 2,
  epsilon: 1e-12,
};

const TARGETS = ['query', 'key', 'value', 'attn_out', 'ffn_up', 'ffn_down'];

/** LoRA modules, each for one layer of one linear, with a rank of its own. */
export function bigDocument(): Document {
  const graph = bertGraph(CONFIG, { kind: 'classification', classes: 2 });
  const modules: [NodeId, Node][] = [];
  const edges: Edge[] = [];
  for (let i = 0; i < MODULES; i++) {
    const layer = i % LAYERS;
    const target = TARGETS[Math.floor(i / LAYERS) % TARGETS.length] as string;
    const id = nodeId(`lora_${i}`);
    modules.push([
      id,
      { type: 'peft.lora', version: 1, params: { rank: 4 + (i % 5), alpha: 8 }, layers: String(layer) },
    ]);
    edges.push({
      from: { node: id, port: portId('transform') },
      to: { node: nodeId(target), port: portId('transforms') },
    });
  }
  const nodes = entriesOf<NodeId, Node>(graph.nodes).map(([id, node]): [NodeId, Node] => {
    if (!node.stack || !node.body) return [id, node];
    const body: Graph = {
      nodes: recordOf([...entriesOf<NodeId, Node>(node.body.nodes), ...modules]),
      edges: [...node.body.edges, ...edges],
    };
    return [id, { ...node, body }];
  });
  return { ...emptyDocument('200 modules'), models: recordOf([[MAIN, { ...graph, nodes: recordOf(nodes) }]]) };
}

/** The document with another rank for one module. */
export function withRank(document: Document, module: number, rank: number): Document {
  const graph = must(document.models[MAIN], 'the model');
  const nodes = entriesOf<NodeId, Node>(graph.nodes).map(([id, node]): [NodeId, Node] => {
    if (!node.body) return [id, node];
    const inner = entriesOf<NodeId, Node>(node.body.nodes).map(([key, n]): [NodeId, Node] => [
      key,
      key === `lora_${module}` ? { ...n, params: { ...n.params, rank } } : n,
    ]);
    return [id, { ...node, body: { ...node.body, nodes: recordOf(inner) } }];
  });
  return { ...document, models: recordOf([[MAIN, { ...graph, nodes: recordOf(nodes) }]]) };
}

interface Timing {
  readonly structure: number;
  readonly models: number;
}

function timings(costs: boolean): { readonly cold: Timing; readonly warm: readonly Timing[] } {
  const toolkit = makeToolkit();
  const memo = newMemo();
  const check = (document: Document): Timing => {
    const from = performance.now();
    const found = [...checkDocument(document, 'big.json')];
    const middle = performance.now();
    const loaded = { file: 'big.json', folder: process.cwd(), document };
    const { models, diagnostics } = checkModels(loaded, toolkit, { memo, costs });
    const end = performance.now();
    const errors = [...found, ...diagnostics].filter((d) => d.severity === 'error');
    if (errors.length > 0) throw new Error(`the document is not sound: ${errors[0]?.message}`);
    const trainable = models[0]?.report.trainable.length;
    if (costs && trainable !== 2 * MODULES + 2) throw new Error(`${trainable} trainable parameters are found`);
    return { structure: middle - from, models: end - middle };
  };
  let document = bigDocument();
  const cold = check(document);
  const warm: Timing[] = [];
  for (let i = 0; i < EDITS; i++) {
    document = withRank(document, (i * 37) % MODULES, 16 + i);
    warm.push(check(document));
  }
  return { cold, warm };
}

export const CHECK: Bench = {
  name: 'check',
  help: 'check after one edit, 200 modules in 32 layers, warm (goal: 100 ms)',
  usual: true,
  run: () => {
    const figures = (costs: boolean): Record<string, unknown> => {
      const { cold, warm } = timings(costs);
      // The first edits still warm the just-in-time compiler up.
      const settled = warm.slice(3);
      const total = settled.map((t) => t.structure + t.models);
      return {
        cold_ms: round(cold.structure + cold.models, 1),
        warm_ms: round(median(total), 1),
        warm_best_ms: round(Math.min(...total), 1),
        structure_ms: round(median(settled.map((t) => t.structure)), 1),
        models_ms: round(median(settled.map((t) => t.models)), 1),
      };
    };
    const found = { findings: figures(false), findings_and_costs: figures(true), load: load() };
    say('\ncheck after one edit of 200 modules in 32 layers');
    say(`  findings: ${JSON.stringify(found.findings)}`);
    say(`  findings and costs: ${JSON.stringify(found.findings_and_costs)}`);
    return Promise.resolve(found);
  },
};
