/**
 * The fields of a form: each parameter of a type with the value that holds where the person is, who holds it (the node,
 * its recipe, or the type's default) and where layers differ.
 */
import type { ParamInfo } from '../../../engine/protocol/api/catalog.ts';
import type { Document, Node, Params, ParamValue, WorkflowNode } from '../../../engine/protocol/document.ts';
import { isLayered, overridesOf, stackValue, valueAt, type PlainValue } from '../../../engine/protocol/params.ts';
import { formatNumbers, type LayerRange } from '../../../engine/protocol/selection.ts';

export type Holder = 'own' | 'recipe' | 'default';
export type Layer = 'all' | number;

export interface Override {
  /** `4-5` */
  readonly layers: string;
  readonly value: PlainValue;
}

export interface Field {
  readonly name: string;
  readonly info: ParamInfo;
  readonly value: PlainValue;
  /** All layers are shown and they differ. */
  readonly mixed: boolean;
  readonly holder: Holder;
  /** The node holds it although its recipe does too. */
  readonly departs: boolean;
  readonly overrides: readonly Override[];
  /** The layer that is shown has a value of its own. */
  readonly here: boolean;
}

type Infos = Readonly<Record<string, ParamInfo>>;

/** What stands in the document for a parameter, and who holds it. */
export function heldValue(
  document: Document,
  node: Node | WorkflowNode,
  name: string,
): { readonly value: ParamValue; readonly holder: 'own' | 'recipe' } | undefined {
  const own = node.params[name];
  if (own !== undefined) return { value: own, holder: 'own' };
  const recipe = recipeOf(document, node)?.[name];
  return recipe === undefined ? undefined : { value: recipe, holder: 'recipe' };
}

const recipeOf = (document: Document, node: Node | WorkflowNode): Params | undefined =>
  'recipe' in node && node.recipe !== undefined ? document.recipes[node.recipe]?.params : undefined;

export function fieldsOf(
  document: Document,
  node: Node | WorkflowNode,
  infos: Infos,
  range: LayerRange | undefined,
  layer: Layer,
): readonly Field[] {
  return Object.entries(infos).map(([name, info]) => fieldOf(document, node, name, info, range, layer));
}

function fieldOf(
  document: Document,
  node: Node | WorkflowNode,
  name: string,
  info: ParamInfo,
  range: LayerRange | undefined,
  layer: Layer,
): Field {
  const held = heldValue(document, node, name);
  const value = held?.value ?? info.default;
  const over = isLayered(value) && range ? overridesOf(value, range) : new Map<number, PlainValue>();
  const inStack = typeof layer === 'number' && range !== undefined && contains(range, layer);
  const base = stackValue(value);
  return {
    name,
    info,
    value: inStack ? valueAt(value, layer, range) : base,
    mixed: layer === 'all' && [...over.values()].some((v) => v !== base),
    holder: held?.holder ?? 'default',
    departs: held?.holder === 'own' && recipeOf(document, node)?.[name] !== undefined,
    overrides: groupOverrides(over),
    here: inStack && over.has(layer),
  };
}

export const contains = (range: LayerRange, layer: number): boolean =>
  layer >= range.first && layer < range.first + range.repeat;

function groupOverrides(over: ReadonlyMap<number, PlainValue>): readonly Override[] {
  const byValue = new Map<PlainValue, number[]>();
  for (const [layer, value] of [...over].sort(([a], [b]) => a - b))
    byValue.set(value, [...(byValue.get(value) ?? []), layer]);
  return [...byValue].map(([value, layers]) => ({ layers: formatNumbers(layers), value }));
}

/** Parameters in the document that the type does not have; they are shown, since the check complains about them. */
export const strangers = (document: Document, node: Node | WorkflowNode, infos: Infos): readonly string[] =>
  [...new Set([...Object.keys(node.params), ...Object.keys(recipeOf(document, node) ?? {})])].filter(
    (name) => !(name in infos),
  );

export interface ManyField {
  readonly name: string;
  readonly info: ParamInfo;
  readonly value: PlainValue;
  readonly mixed: boolean;
}

/** The parameters that all of several nodes have, of one kind and with the same choices. */
export function commonFields(
  document: Document,
  nodes: readonly { readonly node: Node; readonly infos: Infos; readonly range: LayerRange | undefined }[],
  layer: Layer,
): readonly ManyField[] {
  const [first, ...rest] = nodes.map(({ node, infos, range }) => fieldsOf(document, node, infos, range, layer));
  return (first ?? []).flatMap((field) => {
    const others = rest.map((fields) => fields.find((f) => f.name === field.name && sameKind(f.info, field.info)));
    if (others.some((f) => f === undefined)) return [];
    const differs = others.some((f) => f !== undefined && JSON.stringify(f.value) !== JSON.stringify(field.value));
    return [
      {
        name: field.name,
        info: field.info,
        value: field.value,
        mixed: differs || field.mixed || others.some((f) => f?.mixed),
      },
    ];
  });
}

const sameKind = (a: ParamInfo, b: ParamInfo): boolean =>
  a.kind === b.kind &&
  (a.kind !== 'choice' || b.kind !== 'choice' || JSON.stringify(a.choices) === JSON.stringify(b.choices));

/** Stacks are nodes of the compiler itself, so their parameters are not in the catalog. */
export const STACK_PARAMS: Infos = {
  recompute: {
    kind: 'choice',
    default: 'none',
    choices: ['none', 'checkpoint', 'reversible'],
    help: 'What is kept for the backward pass: everything, the inputs of each layer, or (reversible layers) the last outputs alone.',
  },
  keepEvery: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 4096,
    help: 'Reversible stacks keep the streams every so many layers, since going backwards amplifies rounding; 0: never.',
    unit: 'layers',
  },
};
