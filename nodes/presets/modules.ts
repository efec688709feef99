/** Presets that add modules beside the layers: bottleneck adapters, prompts, prefixes. */
import { fail, ok, type Result } from '../../engine/base/result.ts';
import { choice, dropoutSpec, int, number } from '../../engine/nodekit/params.ts';
import type { Edge, Params } from '../../engine/protocol/document.ts';
import { wire, type Entry } from '../backbones/graph.ts';
import { ACTIVATIONS } from '../layers/basic.ts';
import {
  addRecipe,
  bySite,
  definePreset,
  fromRecipe,
  intoBody,
  replaceNode,
  stackOf,
  withNodes,
  type PresetEdit,
} from './rewrite.ts';
import { adapterInput, ffnPlace, layersSpec, siteNode, widthOf } from './places.ts';

const bottleneckParams = {
  reduction: int(16, 'Width divided by the size of the bottleneck.', { min: 1 }),
  size: int(0, 'Size of the bottleneck; 0 takes it from the reduction.'),
  dropout: dropoutSpec(0, 'an element of the bottleneck'),
  layers: layersSpec,
};
interface BottleneckChoice {
  readonly reduction: number;
  readonly size: number;
  readonly dropout: number;
  readonly activation: string;
  readonly init: string;
}
const recipeParams = (p: BottleneckChoice, width: number, more: Params = {}): Params => ({
  size: p.size > 0 ? p.size : Math.max(1, Math.floor(width / p.reduction)),
  activation: p.activation,
  dropout: p.dropout,
  init: p.init,
  ...more,
});

export const houlsby = definePreset({
  name: 'houlsby',
  title: 'Serial adapters (Houlsby)',
  help: 'A bottleneck after both sub-layers of every layer.',
  params: {
    ...bottleneckParams,
    activation: choice(ACTIVATIONS, 'silu', 'Non-linearity.'),
    init: choice(['bert', 'lora', 'small'], 'bert', 'Initial values.'),
  },
  apply: (edit, p) => {
    const place = stackOf(edit.graph);
    if (!place.ok) return place;
    const recipe = addRecipe(edit, 'houlsby', 'peft.bottleneck', recipeParams(p, widthOf(place.value)));
    const nodes: Entry[] = [];
    const edges: Edge[] = [];
    for (const part of ['attn', 'ffn']) {
      const drop = siteNode(place.value, `${part}.drop`);
      const sum = siteNode(place.value, `${part}.add`);
      if (!drop.ok) return drop;
      if (!sum.ok) return sum;
      const id = `houlsby_${part}`;
      nodes.push(fromRecipe(id, 'peft.bottleneck', recipe.id, p.layers));
      // LN(x + h + A(h)): the adapter's own residual and the layer's are one sum.
      edges.push(wire(`${drop.value[0]}.y -> ${id}.x`), wire(`${id}.delta -> ${sum.value[0]}.x`));
    }
    return ok(intoBody(recipe.edit, place.value, nodes, edges));
  },
});

export const pfeiffer = definePreset({
  name: 'pfeiffer',
  title: 'Serial adapter (Pfeiffer)',
  help: 'One bottleneck after the FFN of every layer, reading its norm: the source module of fusion and ScaLearn.',
  params: {
    ...bottleneckParams,
    activation: choice(ACTIVATIONS, 'relu', 'Non-linearity.'),
    init: choice(['bert', 'lora', 'small'], 'bert', 'Initial values.'),
  },
  apply: (edit, p) => {
    const at = ffnPlace(edit);
    if (!at.ok) return at;
    const recipe = addRecipe(edit, 'pfeiffer', 'peft.bottleneck', recipeParams(p, widthOf(at.value.place)));
    const input = adapterInput(at.value, 'pfeiffer');
    const nodes = [...input.nodes, fromRecipe('pfeiffer', 'peft.bottleneck', recipe.id, p.layers)];
    return ok(
      intoBody(recipe.edit, at.value.place, nodes, [
        ...input.edges,
        wire('pfeiffer_input.z -> pfeiffer.x'),
        wire(`pfeiffer.delta -> ${at.value.sum}.x`),
      ]),
    );
  },
});

export const parallel = definePreset({
  name: 'parallel',
  title: 'Parallel adapter',
  help: 'A scaled bottleneck beside the FFN of every layer.',
  params: {
    ...bottleneckParams,
    reduction: int(2, 'Width divided by the size of the bottleneck.', { min: 1 }),
    scale: number(4, 'Constant factor.'),
    learned: choice(['none', 'scalar', 'channel'], 'none', 'Learn the factor instead, from 1.'),
    activation: choice(ACTIVATIONS, 'relu', 'Non-linearity.'),
    init: choice(['bert', 'lora', 'small'], 'lora', 'Initial values.'),
  },
  apply: (edit, p) => {
    const at = ffnPlace(edit);
    if (!at.ok) return at;
    const recipe = addRecipe(
      edit,
      'parallel',
      'peft.bottleneck',
      recipeParams(p, widthOf(at.value.place), { scale: p.scale, learnedScale: p.learned }),
    );
    const node = fromRecipe('parallel', 'peft.bottleneck', recipe.id, p.layers);
    return ok(
      intoBody(
        recipe.edit,
        at.value.place,
        [node],
        [wire(`${at.value.input}.y -> parallel.x`), wire(`parallel.delta -> ${at.value.sum}.x`)],
      ),
    );
  },
});

export const prompt = definePreset({
  name: 'prompt',
  title: 'Soft prompt',
  help: 'Trainable vectors before the words.',
  params: {
    size: int(10, 'Number of vectors.', { min: 1 }),
    init: choice(['uniform', 'normal', 'vocabulary'], 'uniform', 'Initial values.'),
    pool: choice(
      ['cls', 'first'],
      'cls',
      'What a sequence classifier reads: the own first token, or the first vector as PEFT does.',
    ),
  },
  apply: (edit, p) => {
    const embeddings = bySite(edit.graph, 'embeddings');
    if (!embeddings) return fail('the model has no place named "embeddings"');
    const e = embeddings[1].params;
    const recipe = addRecipe(edit, 'prompt', 'peft.prompt', {
      size: p.size,
      init: p.init,
      width: e['width'] ?? 0,
      rows: e['vocabulary'] ?? 0,
      table: `${typeof e['prefix'] === 'string' ? e['prefix'] : ''}word_embeddings.weight`,
    });
    let graph = withNodes(
      recipe.edit.graph,
      [fromRecipe('prompt', 'peft.prompt', recipe.id, 'all')],
      [wire(`prompt.prompt -> ${embeddings[0]}.prompt`)],
    );
    for (const [id, node] of Object.entries(graph.nodes)) {
      if (node.type === 'layer.firstToken' && p.pool === 'first')
        graph = replaceNode(graph, id as Entry[0], { ...node, params: { ...node.params, from: 'all' } });
    }
    return ok({ ...recipe.edit, graph });
  },
});

const positionsSpec = choice(
  ['own', 'shifted'],
  'own',
  'Positions of the words: their own, or counted from the end of the prefix as PEFT does.',
);

interface PrefixChoice {
  readonly size: number;
  readonly layers: string;
  readonly positions: 'own' | 'shifted';
}

/** The words of the text begin at position `by`. */
function shiftPositions(edit: PresetEdit, by: number): Result<PresetEdit> {
  const embeddings = bySite(edit.graph, 'embeddings');
  if (!embeddings) return fail('the model has no place named "embeddings"');
  const [id, node] = embeddings;
  const first = Number(node.params['firstPosition'] ?? 0);
  return ok({
    ...edit,
    graph: replaceNode(edit.graph, id, { ...node, params: { ...node.params, firstPosition: first + by } }),
  });
}

function prefixed(
  plain: PresetEdit,
  type: string,
  name: string,
  { size, layers, positions }: PrefixChoice,
  params: Params,
): Result<PresetEdit> {
  const shifted = positions === 'shifted' ? shiftPositions(plain, size) : ok(plain);
  if (!shifted.ok) return shifted;
  const edit = shifted.value;
  const place = stackOf(edit.graph);
  if (!place.ok) return place;
  const attention = siteNode(place.value, 'attn');
  if (!attention.ok) return attention;
  const recipe = addRecipe(edit, name, type, { width: widthOf(place.value), size, ...params });
  const node = fromRecipe(name, type, recipe.id, layers);
  return ok(
    intoBody(
      recipe.edit,
      place.value,
      [node],
      [wire(`$in.tokens -> ${name}.tokens`), wire(`${name}.kv -> ${attention.value[0]}.prefix`)],
    ),
  );
}

export const prefix = definePreset({
  name: 'prefix',
  title: 'Prefix',
  help: 'Trainable keys and values before those of every layer.',
  params: {
    size: int(20, 'Number of keys.', { min: 1 }),
    std: number(1, 'Standard deviation of the initial values.', { min: 0 }),
    positions: positionsSpec,
    layers: layersSpec,
  },
  apply: (edit, p) => prefixed(edit, 'peft.prefix', 'prefix', p, { std: p.std }),
});

export const prefixMlp = definePreset({
  name: 'prefix-mlp',
  title: 'Prefix with MLP',
  help: 'A prefix made by an MLP, as in prefix tuning for generation.',
  params: {
    size: int(30, 'Number of keys.', { min: 1 }),
    bottleneck: int(512, 'Width of the MLP.', { min: 1 }),
    dropout: dropoutSpec(0, 'an element of the prefix'),
    positions: positionsSpec,
    layers: layersSpec,
  },
  apply: (edit, p) =>
    prefixed(edit, 'peft.prefixMlp', 'prefix_mlp', p, { bottleneck: p.bottleneck, dropout: p.dropout }),
});

export const headOnly = definePreset({
  name: 'head',
  title: 'Head only',
  help: 'Trains the head and nothing of the backbone.',
  params: {},
  apply: (edit) => ok(edit),
});
