/** A GPT-2 language model wired by hand: fused QKV in Conv1D layout, pre-norm, causal attention, tied embedding and head. */
import type { Document, Edge, Graph } from '../../engine/protocol/document.ts';
import { nodeId, portId, recordOf } from '../../engine/protocol/ids.ts';
import { makeNode, wire, type Entry } from '../../nodes/backbones/graph.ts';
import { documentOf } from './tinyModels.ts';

export interface Gpt2Shape {
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly inner: number;
  readonly positions: number;
}

/** `whole`: one linear of width 3d that is split; `slices`: three linears on views of the one weight. */
export type Fusing = 'whole' | 'slices';

function layer(c: Gpt2Shape, fusing: Fusing, modules: readonly Entry[], edges: readonly Edge[]): Graph {
  const d = c.width;
  const conv = (id: string, name: string, inFeatures: number, outFeatures: number, fused = 0, offset = 0): Entry =>
    makeNode(id, 'layer.linear', {
      inFeatures,
      outFeatures,
      weight: `h.{layer}.${name}.weight`,
      bias: `h.{layer}.${name}.bias`,
      layout: 'conv1d',
      fused,
      offset,
    });
  const norm = (id: string, name: string): Entry =>
    makeNode(id, 'layer.norm', {
      width: d,
      epsilon: 1e-5,
      weight: `h.{layer}.${name}.weight`,
      bias: `h.{layer}.${name}.bias`,
    });
  const attn =
    fusing === 'whole'
      ? [conv('qkv', 'attn.c_attn', d, 3 * d), makeNode('split', 'layer.split3')]
      : [
          conv('q', 'attn.c_attn', d, d, 3 * d, 0),
          conv('k', 'attn.c_attn', d, d, 3 * d, d),
          conv('v', 'attn.c_attn', d, d, 3 * d, 2 * d),
        ];
  const parts =
    fusing === 'whole'
      ? [
          'ln_1.y -> qkv.x',
          'qkv.y -> split.x',
          'split.a -> attention.query',
          'split.b -> attention.key',
          'split.c -> attention.value',
        ]
      : [
          'ln_1.y -> q.x',
          'ln_1.y -> k.x',
          'ln_1.y -> v.x',
          'q.y -> attention.query',
          'k.y -> attention.key',
          'v.y -> attention.value',
        ];
  const nodes: Entry[] = [
    norm('ln_1', 'ln_1'),
    ...attn,
    makeNode('attention', 'layer.attention', { heads: c.heads, headWidth: d / c.heads, causal: 'yes', dropout: 0 }),
    conv('out', 'attn.c_proj', d, d),
    makeNode('add_1', 'layer.add'),
    norm('ln_2', 'ln_2'),
    conv('up', 'mlp.c_fc', d, c.inner),
    makeNode('act', 'layer.activation', { function: 'gelu_new' }),
    conv('down', 'mlp.c_proj', c.inner, d),
    makeNode('add_2', 'layer.add'),
    ...modules,
  ];
  const wires = [
    '$in.hidden -> ln_1.x',
    ...parts,
    '$in.tokens -> attention.tokens',
    'attention.context -> out.x',
    'out.y -> add_1.x',
    '$in.hidden -> add_1.x',
    'add_1.y -> ln_2.x',
    'ln_2.y -> up.x',
    'up.y -> act.x',
    'act.y -> down.x',
    'down.y -> add_2.x',
    'add_1.y -> add_2.x',
    'add_2.y -> $out.hidden',
  ].map(wire);
  return { nodes: recordOf(nodes), edges: [...wires, ...edges] };
}

export function gpt2Document(
  c: Gpt2Shape,
  fusing: Fusing,
  modules: readonly Entry[],
  edges: readonly Edge[],
): Document {
  const nodes: Entry[] = [
    makeNode('tokens', 'input.tokens'),
    makeNode('labels', 'input.labels', { task: 'tokens', classes: c.vocabulary }),
    makeNode('wte', 'layer.embedding', { of: 'ids', rows: c.vocabulary, width: c.width, weight: 'wte.weight' }),
    makeNode('wpe', 'layer.embedding', { of: 'positions', rows: c.positions, width: c.width, weight: 'wpe.weight' }),
    makeNode('embed', 'layer.add'),
    [
      nodeId('layers'),
      {
        type: 'stack',
        version: 1,
        params: {},
        body: layer(c, fusing, modules, edges),
        stack: {
          repeat: c.layers,
          first: 0,
          weights: 'each',
          carry: [portId('hidden')],
          broadcast: [portId('tokens')],
          collect: [],
        },
      },
    ],
    makeNode('ln_f', 'layer.norm', { width: c.width, epsilon: 1e-5, weight: 'ln_f.weight', bias: 'ln_f.bias' }),
    makeNode('lm_head', 'layer.linear', { inFeatures: c.width, outFeatures: c.vocabulary, weight: 'wte.weight' }),
    makeNode('loss', 'loss.crossEntropy'),
    makeNode('logits', 'output', { name: 'logits' }),
  ];
  const edgesOut = [
    'tokens.tokens -> wte.tokens',
    'tokens.tokens -> wpe.tokens',
    'wte.y -> embed.x',
    'wpe.y -> embed.x',
    'embed.y -> layers.hidden',
    'tokens.tokens -> layers.tokens',
    'layers.hidden -> ln_f.x',
    'ln_f.y -> lm_head.x',
    'lm_head.y -> loss.logits',
    'labels.labels -> loss.labels',
    'tokens.tokens -> loss.tokens',
    'lm_head.y -> logits.x',
  ].map(wire);
  return documentOf({ nodes: recordOf(nodes), edges: edgesOut });
}
