/**
 * Documents for tests that go through many methods: a small BERT or RoBERTa with one preset or a few hand-made wires, and
 * the sources of a bank. Leaves out weights and batches, which `tinyModels.ts` and the tests make.
 */
import { must } from '../../engine/base/errors.ts';
import { compileModel, type CompiledModel } from '../../engine/compile/model.ts';
import type { NodeRegistry } from '../../engine/compile/registry.ts';
import type { SourceModule } from '../../engine/nodekit/node.ts';
import { emptyDocument, type Document, type Graph, type Node } from '../../engine/protocol/document.ts';
import { splitStack } from '../../engine/protocol/edit.ts';
import {
  bankId,
  entriesOf,
  mintId,
  nodeId,
  recordOf,
  type NodeId,
  type SharedSetId,
} from '../../engine/protocol/ids.ts';
import { bertGraph, type BertConfig, type Task } from '../../nodes/backbones/bert.ts';
import { makeNode, wire } from '../../nodes/backbones/graph.ts';
import { applyPreset } from '../../nodes/presets/index.ts';
import { gpt2Document, type Fusing } from './gpt2.ts';
import { MAIN, REGISTRY, TINY } from './tinyModels.ts';

/** A BERT in which no two sizes are one number by accident, so that a confusion of sizes shows. */
export const SMALL: BertConfig = {
  ...TINY,
  vocabulary: 97,
  width: 32,
  layers: 3,
  heads: 4,
  intermediate: 72,
  positions: 40,
  dropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: 0.1,
};

export const BANK = bankId('bank');

/** Frozen bottlenecks of two tasks, as an adapter artifact holds them. */
export const BANK_SOURCES: readonly SourceModule[] = ['sst2', 'mnli'].map((name) => ({
  name,
  type: 'peft.bottleneck',
  params: { size: 6, activation: 'relu', dropout: 0, scale: 1, learnedScale: 'none', init: 'bert' },
  tensor: (t) => ({ artifact: name, tensor: `layers/{layer}/pfeiffer/${t}` }),
}));

export interface TestDocument {
  readonly name: string;
  readonly document: Document;
  readonly task: Task;
  /** Other node types than those that there are. */
  readonly registry?: NodeRegistry;
}

const CLASSES: Task = { kind: 'classification', classes: 3 };

const bare = (task: Task, config: BertConfig): Document => ({
  ...emptyDocument('a small model'),
  banks: recordOf([[BANK, { sources: [] }]]),
  models: recordOf([[MAIN, bertGraph(config, task)]]),
});

type Step = readonly [preset: string, params: Readonly<Record<string, unknown>>];

/** A document with presets applied in turn. */
export function documentWith(steps: readonly Step[], task: Task = CLASSES, config: BertConfig = SMALL): Document {
  return steps.reduce(
    (document, [preset, params]) => {
      const made = applyPreset(document, MAIN, preset, params, BANK);
      if (!made.ok) throw new Error(`${preset}: ${made.error}`);
      return made.value;
    },
    bare(task, config),
  );
}

/** The document with the nodes of its stack's body changed. */
export function withBody(document: Document, change: (body: Graph) => Graph): Document {
  const graph = must(document.models[MAIN], 'the model');
  const id = nodeId('layers');
  const stack = must(graph.nodes[id], 'the stack');
  const grown = { ...stack, body: change(must(stack.body, 'the body')) };
  const nodes = recordOf(entriesOf<NodeId, Node>(graph.nodes).map(([k, n]) => [k, k === id ? grown : n] as const));
  return { ...document, models: recordOf([[MAIN, { ...graph, nodes }]]) };
}

/** One parameter of the nodes whose id begins with `prefix` set anew. */
function withParam(document: Document, prefix: string, name: string, value: unknown): Document {
  return withBody(document, (body) => ({
    ...body,
    nodes: recordOf(
      entriesOf<NodeId, Node>(body.nodes).map(([id, n]) => {
        const params = { ...n.params, [name]: value } as Node['params'];
        return [id, id.startsWith(prefix) ? { ...n, params } : n] as const;
      }),
    ),
  }));
}

/** LoRA on the query whose update is scaled by a gate that reads the stream. */
function gatedLora(): Document {
  return withBody(documentWith([]), (body) => ({
    nodes: recordOf([
      ...entriesOf<NodeId, Node>(body.nodes),
      makeNode('gate', 'peft.gate', { per: 'token' }),
      makeNode('lora', 'peft.lora', { rank: 4, alpha: 8 }),
    ]),
    edges: [
      ...body.edges,
      ...['$in.hidden -> gate.x', 'gate.gate -> lora.gate', 'lora.transform -> query.transforms'].map(wire),
    ],
  }));
}

/** The stack's settings changed. */
function withStack(document: Document, change: (node: Node) => Node): Document {
  const graph = must(document.models[MAIN], 'the model');
  const nodes = recordOf(entriesOf<NodeId, Node>(graph.nodes).map(([k, n]) => [k, n.stack ? change(n) : n] as const));
  return { ...document, models: recordOf([[MAIN, { ...graph, nodes }]]) };
}

/** The stack in three parts, which stay one list of layers with one numbering. */
function splitAt(document: Document, layers: readonly number[]): Document {
  const [layer, ...later] = [...layers].reverse();
  if (layer === undefined) return document;
  const at = { graph: { level: 'model', model: MAIN, path: [] }, node: nodeId('layers') } as const;
  const made = splitStack(document, at, layer);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return splitAt(made.value, later.reverse());
}

/** Nodes whose id begins with `prefix`, changed. */
const withNode = (document: Document, prefix: string, change: (node: Node) => Node): Document =>
  withBody(document, (body) => ({
    ...body,
    nodes: recordOf(
      entriesOf<NodeId, Node>(body.nodes).map(([id, n]) => [id, id.startsWith(prefix) ? change(n) : n] as const),
    ),
  }));

/** A GPT-2 language model with tied embedding and head, LoRA on its fused weight or on a slice of it. */
function gpt2(fusing: Fusing): TestDocument {
  const shape = { vocabulary: 41, width: 32, layers: 2, heads: 4, inner: 72, positions: 40 };
  const target = fusing === 'whole' ? 'qkv' : 'v';
  const lora = makeNode('lora', 'peft.lora', { rank: 4 });
  const document = gpt2Document(shape, fusing, [lora], [wire(`lora.transform -> ${target}.transforms`)]);
  return { name: `gpt2_${fusing}`, document, task: { kind: 'tokens', classes: 41 } };
}

const entry = (name: string, document: Document, task: Task = CLASSES): TestDocument => ({ name, document, task });

/** The graphs whose exported code is compared with the Program. */
export const EXPORT_DOCUMENTS: readonly TestDocument[] = [
  entry('plain', documentWith([])),
  entry('lora', documentWith([['lora', { r: 4, alpha: 8, dropout: 0.05 }]])),
  entry(
    'lora_ranks',
    withParam(documentWith([['lora', { r: 4 }]]), 'lora_', 'rank', { all: 4, at: { '1': 2, '2': 6 } }),
  ),
  entry(
    'neutral',
    withParam(
      withParam(documentWith([['houlsby', { size: 5 }]]), 'houlsby_', 'dropout', { all: 0, at: { '1': 0.1 } }),
      'houlsby_',
      'scale',
      { all: 4, at: { '0': 1, '2': 1 } },
    ),
  ),
  entry('rslora_top', documentWith([['rslora', { r: 4, layers: '-2..' }]])),
  entry('dora', documentWith([['dora', { r: 4 }]])),
  entry('ia3', documentWith([['ia3', {}]])),
  entry('bitfit', documentWith([['bitfit', {}]])),
  entry('lntuning', documentWith([['lntuning', {}]])),
  entry('unfreeze', documentWith([['unfreeze', { targets: 'query,up' }]])),
  entry('houlsby', documentWith([['houlsby', { size: 5 }]])),
  entry('pfeiffer', documentWith([['pfeiffer', { size: 5, dropout: 0.1 }]])),
  entry('parallel', documentWith([['parallel', { size: 5 }]])),
  entry('parallel_learned', documentWith([['parallel', { size: 5, learned: 'channel', init: 'bert' }]])),
  entry('prompt', documentWith([['prompt', { size: 5, init: 'vocabulary' }]])),
  entry('prefix', documentWith([['prefix', { size: 5 }]])),
  entry('prefix_mlp', documentWith([['prefix-mlp', { size: 5, bottleneck: 11, dropout: 0.1 }]])),
  entry('fusion', documentWith([['fusion', {}]])),
  entry('scalearn', documentWith([['scalearn', {}]])),
  entry('scalearn_shared', documentWith([['scalearn', { variant: 'scalearn++' }]])),
  entry('average', documentWith([['average', {}]])),
  entry(
    'fusion_and_pfeiffer',
    documentWith([
      ['pfeiffer', { size: 5, layers: '0-1', init: 'small' }],
      ['fusion', {}],
    ]),
  ),
  entry(
    'gaussian_ranks',
    withParam(documentWith([['lora', { r: 4, init: 'gaussian' }]]), 'lora_', 'rank', { all: 4, at: { '2': 5 } }),
  ),
  entry('gated_lora', gatedLora()),
  entry(
    'lora_and_pfeiffer',
    documentWith([
      ['lora', { r: 4 }],
      ['pfeiffer', { size: 5, layers: '0-1' }],
    ]),
  ),
  entry('regression', documentWith([['lora', { r: 4 }]], { kind: 'regression' }), { kind: 'regression' }),
  entry('multilabel', documentWith([['lora', { r: 4 }]], { kind: 'multilabel', classes: 3 }), {
    kind: 'multilabel',
    classes: 3,
  }),
  entry('tokens', documentWith([['lora', { r: 4 }]], { kind: 'tokens', classes: 3 }), { kind: 'tokens', classes: 3 }),
  entry(
    'roberta',
    documentWith([['lora', { r: 4 }]], CLASSES, {
      ...SMALL,
      family: 'roberta',
      prefix: 'roberta.',
      hasPooler: false,
      types: 1,
    }),
  ),
  entry(
    'checkpointed',
    withStack(documentWith([['lora', { r: 4 }]]), (n) => ({ ...n, params: { ...n.params, recompute: 'checkpoint' } })),
  ),
  entry('split', splitAt(documentWith([['lora', { r: 4, layers: '1' }]]), [1, 2])),
  entry(
    'shared_layers',
    withStack(documentWith([]), (n) => (n.stack ? { ...n, stack: { ...n.stack, weights: 'shared' } } : n)),
  ),
  entry(
    'shared_set',
    withNode(documentWith([['houlsby', { size: 5 }]]), 'houlsby_', (n) => ({
      ...n,
      shared: mintId<SharedSetId>('both'),
    })),
  ),
  gpt2('whole'),
  gpt2('slices'),
];

export const exportDocument = (name: string): TestDocument =>
  must(
    EXPORT_DOCUMENTS.find((d) => d.name === name),
    `a document named ${name}`,
  );

/** The compiled model of a document, with the sources of the bank. */
export function compileDocument(document: Document, training: boolean, registry = REGISTRY): CompiledModel {
  const { compiled, diagnostics } = compileModel({
    document,
    model: MAIN,
    registry,
    training,
    banks: new Map([[BANK, BANK_SOURCES]]),
  });
  if (!compiled) throw new Error(JSON.stringify(diagnostics, undefined, 1));
  return compiled;
}
