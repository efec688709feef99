/**
 * The BERT family as visible layers: BERT, MiniLM and other checkpoints of type `bert`, RoBERTa and XLM-R (methods-2,
 * 11.1 and 11.2). Gives a graph of the document, with the site of every place that modules attach to.
 */
import type { Graph } from '../../engine/protocol/document.ts';
import { nodeId, portId, recordOf } from '../../engine/protocol/ids.ts';
import { makeNode, wire, type Entry } from './graph.ts';

/** What the family needs of a Hugging Face `config.json`, checked by the caller. */
export interface BertConfig {
  readonly family: 'bert' | 'roberta';
  /** `bert.`, `roberta.`, or empty when the checkpoint holds the bare model. */
  readonly prefix: string;
  readonly hasPooler: boolean;
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly intermediate: number;
  readonly activation: 'gelu' | 'gelu_new' | 'relu' | 'silu';
  readonly dropout: number;
  readonly attentionDropout: number;
  readonly classifierDropout: number;
  readonly positions: number;
  readonly types: number;
  readonly epsilon: number;
}

export type Task =
  | { readonly kind: 'classification' | 'multilabel' | 'tokens'; readonly classes: number }
  | { readonly kind: 'regression' };

/** One layer, post-norm: a = LN(x + W_o Attn), y = LN(a + W_2 f(W_1 a)). */
function layer(c: BertConfig): Graph {
  const at = `${c.prefix}encoder.layer.{layer}.`;
  const linear = (
    id: string,
    title: string,
    site: string,
    name: string,
    inFeatures: number,
    outFeatures: number,
  ): Entry =>
    makeNode(
      id,
      'layer.linear',
      { inFeatures, outFeatures, weight: `${at}${name}.weight`, bias: `${at}${name}.bias` },
      { title, site },
    );
  const norm = (id: string, title: string, site: string, name: string): Entry =>
    makeNode(
      id,
      'layer.norm',
      { width: c.width, epsilon: c.epsilon, weight: `${at}${name}.weight`, bias: `${at}${name}.bias` },
      { title, site },
    );
  const nodes: Entry[] = [
    linear('query', 'Query projection', 'attn.query', 'attention.self.query', c.width, c.width),
    linear('key', 'Key projection', 'attn.key', 'attention.self.key', c.width, c.width),
    linear('value', 'Value projection', 'attn.value', 'attention.self.value', c.width, c.width),
    makeNode(
      'attention',
      'layer.attention',
      { heads: c.heads, headWidth: c.width / c.heads, dropout: c.attentionDropout },
      { title: 'Attention', site: 'attn' },
    ),
    linear('attn_out', 'Attention output', 'attn.out', 'attention.output.dense', c.width, c.width),
    makeNode('attn_drop', 'layer.dropout', { p: c.dropout }, { site: 'attn.drop' }),
    makeNode('attn_add', 'layer.add', {}, { title: 'Residual', site: 'attn.add' }),
    norm('attn_norm', 'Attention norm', 'norm.attn', 'attention.output.LayerNorm'),
    linear('ffn_up', 'FFN up', 'ffn.up', 'intermediate.dense', c.width, c.intermediate),
    makeNode('ffn_act', 'layer.activation', { function: c.activation }, { site: 'ffn.act' }),
    linear('ffn_down', 'FFN down', 'ffn.down', 'output.dense', c.intermediate, c.width),
    makeNode('ffn_drop', 'layer.dropout', { p: c.dropout }, { site: 'ffn.drop' }),
    makeNode('ffn_add', 'layer.add', {}, { title: 'Residual', site: 'ffn.add' }),
    norm('ffn_norm', 'FFN norm', 'norm.ffn', 'output.LayerNorm'),
  ];
  const edges = [
    '$in.hidden -> query.x',
    '$in.hidden -> key.x',
    '$in.hidden -> value.x',
    'query.y -> attention.query',
    'key.y -> attention.key',
    'value.y -> attention.value',
    '$in.tokens -> attention.tokens',
    'attention.context -> attn_out.x',
    'attn_out.y -> attn_drop.x',
    'attn_drop.y -> attn_add.x',
    '$in.hidden -> attn_add.x',
    'attn_add.y -> attn_norm.x',
    'attn_norm.y -> ffn_up.x',
    'ffn_up.y -> ffn_act.x',
    'ffn_act.y -> ffn_down.x',
    'ffn_down.y -> ffn_drop.x',
    'ffn_drop.y -> ffn_add.x',
    'attn_norm.y -> ffn_add.x',
    'ffn_add.y -> ffn_norm.x',
    'ffn_norm.y -> $out.hidden',
  ].map(wire);
  return { nodes: recordOf(nodes), edges };
}

/** The whole model with a head for the task. */
export function bertGraph(c: BertConfig, task: Task): Graph {
  const outputs = task.kind === 'regression' ? 1 : task.classes;
  const stack: Entry = [
    nodeId('layers'),
    {
      type: 'stack',
      version: 1,
      title: 'Encoder',
      params: {},
      stack: {
        repeat: c.layers,
        first: 0,
        weights: 'each',
        carry: [portId('hidden')],
        broadcast: [portId('tokens')],
        collect: [],
      },
      body: layer(c),
    },
  ];
  const nodes: Entry[] = [
    makeNode('tokens', 'input.tokens'),
    makeNode('labels', 'input.labels', { task: task.kind, classes: outputs }),
    makeNode(
      'embeddings',
      'bert.embeddings',
      {
        prefix: `${c.prefix}embeddings.`,
        vocabulary: c.vocabulary,
        positions: c.positions,
        types: c.types,
        width: c.width,
        firstPosition: c.family === 'roberta' ? 2 : 0,
      },
      { title: 'Embeddings', site: 'embeddings' },
    ),
    makeNode(
      'embeddings_norm',
      'layer.norm',
      {
        width: c.width,
        epsilon: c.epsilon,
        weight: `${c.prefix}embeddings.LayerNorm.weight`,
        bias: `${c.prefix}embeddings.LayerNorm.bias`,
      },
      { title: 'Embedding norm', site: 'norm.embeddings' },
    ),
    makeNode('embeddings_drop', 'layer.dropout', { p: c.dropout }, { site: 'embeddings.drop' }),
    stack,
    ...headNodes(c, task, outputs),
    makeNode('logits', 'output', { name: 'logits' }),
  ];
  const edges = [
    'tokens.tokens -> embeddings.tokens',
    'embeddings.hidden -> embeddings_norm.x',
    'embeddings_norm.y -> embeddings_drop.x',
    'embeddings_drop.y -> layers.hidden',
    'embeddings.tokens -> layers.tokens',
    ...headWires(c, task),
  ].map(wire);
  return { nodes: recordOf(nodes), edges };
}

function headNodes(c: BertConfig, task: Task, outputs: number): Entry[] {
  const lossType = {
    classification: 'loss.crossEntropy',
    tokens: 'loss.crossEntropy',
    multilabel: 'loss.bce',
    regression: 'loss.mse',
  }[task.kind];
  const head = (type: string): Entry =>
    makeNode('head', type, { outputs, dropout: c.classifierDropout }, { title: 'Head', site: 'head' });
  const loss = makeNode('loss', lossType);
  if (task.kind === 'tokens') return [makeNode('own', 'layer.dropLeading'), head('head.linear'), loss];
  const first = makeNode('cls', 'layer.firstToken', {}, { title: 'First token' });
  if (c.family === 'roberta') return [first, head('head.roberta'), loss];
  if (!c.hasPooler) return [first, head('head.linear'), loss];
  const dense = `${c.prefix}pooler.dense`;
  const pooler = makeNode(
    'pooler',
    'layer.linear',
    { inFeatures: c.width, outFeatures: c.width, weight: `${dense}.weight`, bias: `${dense}.bias` },
    { title: 'Pooler', site: 'pooler' },
  );
  return [
    first,
    pooler,
    makeNode('pooler_act', 'layer.activation', { function: 'tanh' }, { site: 'pooler.act' }),
    head('head.linear'),
    loss,
  ];
}

function headWires(c: BertConfig, task: Task): string[] {
  const end = ['head.logits -> logits.x', 'head.logits -> loss.logits', 'labels.labels -> loss.labels'];
  if (task.kind === 'tokens')
    return ['layers.hidden -> own.x', 'own.y -> head.x', 'tokens.tokens -> loss.tokens', ...end];
  if (c.family === 'roberta' || !c.hasPooler) return ['layers.hidden -> cls.x', 'cls.y -> head.x', ...end];
  return ['layers.hidden -> cls.x', 'cls.y -> pooler.x', 'pooler.y -> pooler_act.x', 'pooler_act.y -> head.x', ...end];
}
