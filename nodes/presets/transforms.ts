/** Presets that dock transforms on linear layers: LoRA, rsLoRA, DoRA, (IA)3, BitFit, unfreezing; and tuning of norms. */
import { ok, type Result } from '../../engine/base/result.ts';
import { bool, choice, dropoutSpec, int, number, text } from '../../engine/nodekit/params.ts';
import { entriesOf, type NodeId } from '../../engine/protocol/ids.ts';
import type { Graph, Node, Params } from '../../engine/protocol/document.ts';
import { makeNode, wire, type Entry } from '../backbones/graph.ts';
import {
  addRecipe,
  definePreset,
  dock,
  fromRecipe,
  intoBody,
  siteKey,
  stackOf,
  targetsOf,
  withNodes,
  type PresetEdit,
} from './rewrite.ts';

const layersSpec = text('all', 'Which layers: all, 0-3, -2.. (the last two), ...');
const targetsSpec = (value: string) =>
  text(value, 'Linear layers by name: query, key, value, out, up, down, or all-linear.');

interface LoraChoice {
  readonly r: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly targets: string;
  readonly layers: string;
  readonly init: string;
}

function lowRank(
  edit: PresetEdit,
  type: 'peft.lora' | 'peft.dora',
  name: string,
  p: LoraChoice,
  rslora: boolean,
): Result<PresetEdit> {
  const place = stackOf(edit.graph);
  if (!place.ok) return place;
  const targets = targetsOf(place.value.body, p.targets);
  if (!targets.ok) return targets;
  const recipe = addRecipe(edit, name, type, { rank: p.r, alpha: p.alpha, dropout: p.dropout, rslora, init: p.init });
  return dock(recipe.edit, name, type, recipe.id, targets.value, p.layers);
}

const loraParams = {
  r: int(8, 'Rank of the update.', { min: 1 }),
  alpha: number(8, 'Scale numerator.', { min: 0 }),
  dropout: dropoutSpec(0, 'an element of the input of the update'),
  targets: targetsSpec('query,value'),
  layers: layersSpec,
  init: choice(['kaiming', 'gaussian'], 'kaiming', 'How A starts.'),
};

export const lora = definePreset({
  name: 'lora',
  title: 'LoRA',
  help: 'Low-rank updates on query and value projections.',
  params: { ...loraParams, rslora: bool(false, 'Scale by alpha / sqrt(r).') },
  apply: (edit, p) => lowRank(edit, 'peft.lora', 'lora', p, p.rslora),
});
export const rslora = definePreset({
  name: 'rslora',
  title: 'rsLoRA',
  help: 'LoRA scaled by alpha / sqrt(r).',
  params: loraParams,
  apply: (edit, p) => lowRank(edit, 'peft.lora', 'rslora', p, true),
});
export const dora = definePreset({
  name: 'dora',
  title: 'DoRA',
  help: 'Magnitude and low-rank direction on query and value projections.',
  params: { ...loraParams, rslora: bool(false, 'Scale by alpha / sqrt(r).') },
  apply: (edit, p) => lowRank(edit, 'peft.dora', 'dora', p, p.rslora),
});

export const ia3 = definePreset({
  name: 'ia3',
  title: '(IA)³',
  help: 'Learned vectors on keys, values and the inside of the FFN.',
  params: {
    targets: targetsSpec('key,value,down'),
    inputs: text('down', 'Which of the targets are scaled on their input.'),
    layers: layersSpec,
  },
  apply: (edit, p) => {
    const place = stackOf(edit.graph);
    if (!place.ok) return place;
    const targets = targetsOf(place.value.body, p.targets);
    if (!targets.ok) return targets;
    const onInput = p.inputs === '' ? ok([]) : targetsOf(place.value.body, p.inputs);
    if (!onInput.ok) return onInput;
    const sites = new Set(onInput.value.map(([, n]) => n.site));
    const recipe = addRecipe(edit, 'ia3', 'peft.ia3', { on: 'output' });
    return dock(recipe.edit, 'ia3', 'peft.ia3', recipe.id, targets.value, p.layers, (site): Params =>
      sites.has(site) ? { on: 'input' } : {},
    );
  },
});

export const unfreeze = definePreset({
  name: 'unfreeze',
  title: 'Unfreeze',
  help: 'Trains the weights of linear layers themselves.',
  params: { targets: targetsSpec('all-linear'), layers: layersSpec },
  apply: (edit, p) => {
    const place = stackOf(edit.graph);
    if (!place.ok) return place;
    const targets = targetsOf(place.value.body, p.targets);
    if (!targets.ok) return targets;
    const recipe = addRecipe(edit, 'unfreeze', 'peft.unfreeze', {});
    return dock(recipe.edit, 'unfreeze', 'peft.unfreeze', recipe.id, targets.value, p.layers);
  },
});

const normsOf = (graph: Graph): Entry[] =>
  entriesOf<NodeId, Node>(graph.nodes).filter(([, n]) => n.type === 'layer.norm' && n.site !== undefined);

/** Scale and shift for every norm of a graph, wired into it. */
function normModules(
  graph: Graph,
  prefix: string,
  recipe: Parameters<typeof fromRecipe>[2],
  layers: string,
): { nodes: Entry[]; edges: ReturnType<typeof wire>[] } {
  const norms = normsOf(graph);
  const nodes = norms.map(([, n]) =>
    fromRecipe(`${prefix}_${siteKey(n.site ?? '')}`, 'peft.lnTuning', recipe, layers, n.params),
  );
  return { nodes, edges: norms.map(([id], i) => wire(`${(nodes[i] as Entry)[0]}.affine -> ${id}.affine`)) };
}

/** Tunes every norm inside and outside of the stack. */
function tuneNorms(edit: PresetEdit, name: string, train: string, layers: string): Result<PresetEdit> {
  const recipe = addRecipe(edit, name, 'peft.lnTuning', { train });
  const place = stackOf(recipe.edit.graph);
  if (!place.ok) return place;
  const inside = normModules(place.value.body, name, recipe.id, layers);
  const grown = intoBody(recipe.edit, place.value, inside.nodes, inside.edges);
  const outside = normModules(grown.graph, name, recipe.id, 'all');
  return ok({ ...grown, graph: withNodes(grown.graph, outside.nodes, outside.edges) });
}

export const lntuning = definePreset({
  name: 'lntuning',
  title: 'LayerNorm tuning',
  help: 'Trains scale and shift of every norm.',
  params: { layers: layersSpec },
  apply: (edit, p) => tuneNorms(edit, 'lntuning', 'both', p.layers),
});

export const bitfit = definePreset({
  name: 'bitfit',
  title: 'BitFit',
  help: 'Trains every bias of the backbone: of linear layers and of norms.',
  params: { layers: layersSpec },
  apply: (edit, p) => {
    const place = stackOf(edit.graph);
    if (!place.ok) return place;
    const linear = targetsOf(place.value.body, 'all-linear');
    if (!linear.ok) return linear;
    const recipe = addRecipe(edit, 'bitfit', 'peft.bitfit', {});
    const inside = dock(recipe.edit, 'bitfit', 'peft.bitfit', recipe.id, linear.value, p.layers);
    if (!inside.ok) return inside;
    const pooler = entriesOf<NodeId, Node>(inside.value.graph.nodes).filter(([, n]) => n.type === 'layer.linear');
    const nodes = pooler.map(([id]) => makeNode(`bitfit_${id}`, 'peft.bitfit', {}, { recipe: recipe.id }));
    const edges = pooler.map(([id]) => wire(`bitfit_${id}.transform -> ${id}.transforms`));
    return tuneNorms(
      { ...inside.value, graph: withNodes(inside.value.graph, nodes, edges) },
      'bitfit_norms',
      'shift',
      p.layers,
    );
  },
});
