/** Presets that mix the frozen sources of a bank: AdapterFusion, ScaLearn, averages. */
import { fail, ok, type Result } from '../../engine/base/result.ts';
import { bool, choice, dropoutSpec, number } from '../../engine/nodekit/params.ts';
import { portId } from '../../engine/protocol/ids.ts';
import type { Params } from '../../engine/protocol/document.ts';
import { makeNode, wire } from '../backbones/graph.ts';
import { adapterInput, ffnPlace, layersSpec } from './places.ts';
import { addRecipe, definePreset, fromRecipe, intoBody, type PresetEdit } from './rewrite.ts';

/** The bank's sources read z; `mix` combines them into the FFN's sum. */
function mixture(
  edit: PresetEdit,
  prefix: string,
  type: string,
  params: Params,
  layers: string,
  query: boolean,
  collect: boolean,
): Result<PresetEdit> {
  if (edit.bank === undefined) return fail('this method needs a source bank: name one');
  const at = ffnPlace(edit);
  if (!at.ok) return at;
  const recipe = addRecipe(edit, prefix, type, params);
  const input = adapterInput(at.value, prefix);
  const bankNode = makeNode(
    `${prefix}_bank`,
    'source.bank',
    {},
    { bank: edit.bank, ...(layers === 'all' ? {} : { layers }) },
  );
  const nodes = [...input.nodes, bankNode, fromRecipe(prefix, type, recipe.id, layers)];
  const edges = [
    ...input.edges,
    wire(`${prefix}_input.z -> ${prefix}_bank.x`),
    wire(`${prefix}_bank.sources -> ${prefix}.sources`),
    wire(`${prefix}.delta -> ${at.value.sum}.x`),
    ...(query ? [wire(`${prefix}_input.z -> ${prefix}.query`)] : []),
    ...(collect ? [wire(`${prefix}.regulariser -> $out.regulariser`)] : []),
  ];
  const settings = at.value.place.stack.stack;
  const ports = collect ? { collect: [...(settings?.collect ?? []), portId('regulariser')] } : {};
  return ok(intoBody(recipe.edit, at.value.place, nodes, edges, ports));
}

export const fusion = definePreset({
  name: 'fusion',
  title: 'AdapterFusion',
  help: 'Attention over the frozen sources of a bank.',
  bank: true,
  params: {
    value: bool(true, 'Has a value matrix.'),
    regularisation: number(0.01, 'Factor of the regulariser.', { min: 0 }),
    dropout: dropoutSpec(0, 'a score'),
    layers: layersSpec,
  },
  apply: (edit, p) =>
    mixture(
      edit,
      'fusion',
      'peft.fusion',
      { value: p.value, regularisation: p.regularisation, dropout: p.dropout },
      p.layers,
      true,
      p.value && p.regularisation > 0,
    ),
});

export const scalearn = definePreset({
  name: 'scalearn',
  title: 'ScaLearn',
  help: 'Learns how much of each frozen source of a bank to add.',
  bank: true,
  params: {
    variant: choice(
      ['scalearn', 'uniform', 'scalearn++', 'uniform++'],
      'scalearn',
      'Vector or number; ++ shares it over the layers.',
    ),
    dropout: dropoutSpec(0.3, 'an entry of omega'),
    layers: layersSpec,
  },
  apply: (edit, p) =>
    mixture(edit, 'scalearn', 'peft.scalearn', { variant: p.variant, dropout: p.dropout }, p.layers, false, false),
});

export const average = definePreset({
  name: 'average',
  title: 'Average',
  help: 'The mean of the frozen sources of a bank; only the head is trained.',
  bank: true,
  params: { layers: layersSpec },
  apply: (edit, p) => {
    if (edit.bank === undefined) return fail('this method needs a source bank: name one');
    const at = ffnPlace(edit);
    if (!at.ok) return at;
    const input = adapterInput(at.value, 'average');
    const nodes = [
      ...input.nodes,
      makeNode(
        'average_bank',
        'source.bank',
        {},
        { bank: edit.bank, ...(p.layers === 'all' ? {} : { layers: p.layers }) },
      ),
      makeNode('average', 'compose.average', {}, p.layers === 'all' ? {} : { layers: p.layers }),
    ];
    const edges = [
      ...input.edges,
      wire('average_input.z -> average_bank.x'),
      wire('average_bank.sources -> average.x'),
      wire(`average.y -> ${at.value.sum}.x`),
    ];
    return ok(intoBody(edit, at.value.place, nodes, edges));
  },
});
