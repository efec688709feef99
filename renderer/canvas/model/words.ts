/** The words on a node: its title in words, its formal name, and what its settings come to. */
import { effectiveParams, type Document, type Node } from '../../../engine/protocol/document.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import type { TypeIndex } from './catalog.ts';
import { shownValue, type ShownLayer } from './layers.ts';

const sentence = (id: string): string => {
  const words = id.replaceAll(/[_-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const titleOf = (id: NodeId, node: Node, types: TypeIndex): string =>
  node.title ?? (node.stack !== undefined ? 'Layers' : (types.node(node.type)?.title ?? sentence(id)));

/** Short signs of parameters that stand on cards and chips. */
const SIGNS: ReadonlyMap<string, string> = new Map([
  ['rank', 'r'],
  ['alpha', 'α'],
  ['size', 'm'],
  ['dropout', 'drop'],
  ['p', 'p'],
  ['heads', 'heads'],
  ['outputs', 'outputs'],
  ['function', ''],
  ['factor', 's'],
  ['variant', ''],
  ['on', 'on'],
  ['train', 'trains'],
  ['task', ''],
  ['classes', 'classes'],
  ['name', ''],
  ['per', 'per'],
]);
/** What a person looks for first, by type; other types show the parameters that the document sets. */
const FIRST: ReadonlyMap<string, readonly string[]> = new Map([
  ['peft.lora', ['rank', 'alpha']],
  ['peft.dora', ['rank', 'alpha']],
  ['peft.ia3', ['on']],
  ['peft.bottleneck', ['size', 'activation']],
  ['peft.prefix', ['size']],
  ['peft.prefixMlp', ['size']],
  ['peft.prompt', ['size']],
  ['peft.scalearn', ['variant']],
  ['peft.lnTuning', ['train']],
  ['peft.gate', ['per']],
  ['layer.activation', ['function']],
  ['layer.dropout', ['p']],
  ['layer.attention', ['heads']],
  ['layer.firstToken', ['position']],
  ['compose.scale', ['factor']],
  ['head.linear', ['outputs', 'dropout']],
  ['head.roberta', ['outputs', 'dropout']],
  ['input.labels', ['task', 'classes']],
  ['output', ['name']],
]);

export interface Setting {
  readonly sign: string;
  readonly value: string;
}

export function settingsOf(
  document: Document,
  node: Node,
  types: TypeIndex,
  range: LayerRange | undefined,
  layer: ShownLayer,
): readonly Setting[] {
  const specs = types.node(node.type)?.params ?? {};
  const params = effectiveParams(document, node);
  const names = FIRST.get(node.type) ?? (node.type.startsWith('layer.') ? [] : Object.keys(params).slice(0, 2));
  return names.flatMap((name) => {
    const value = params[name] ?? specs[name]?.default;
    if (value === undefined) return [];
    const scalar = Array.isArray(value) ? value.join(', ') : shownValue(value, range, layer);
    return scalar === '' ? [] : [{ sign: SIGNS.get(name) ?? name, value: scalar }];
  });
}

export const settingWords = (settings: readonly Setting[]): string =>
  settings.map((s) => (s.sign === '' ? s.value : `${s.sign} ${s.value}`)).join('  ');

/** The second line of a card: what it is, formally, and where. */
export function subtitleOf(
  document: Document,
  id: NodeId,
  node: Node,
  types: TypeIndex,
  range: LayerRange | undefined,
  layer: ShownLayer,
): string {
  if (node.raw !== undefined || (types.node(node.type) === undefined && node.stack === undefined)) {
    return `unknown type ${node.type}`;
  }
  if (node.type === 'layer.linear') {
    const [a, b] = ['inFeatures', 'outFeatures'].map((p) => node.params[p]);
    const widths = typeof a === 'number' && typeof b === 'number' ? `${a} → ${b}` : 'Linear';
    return node.site === undefined ? `Linear ${widths}` : `${node.site}  ${widths}`;
  }
  const settings = settingWords(settingsOf(document, node, types, range, layer));
  const name = node.site ?? (node.title === undefined ? '' : (types.node(node.type)?.title ?? ''));
  const words = [name, settings].filter((x) => x !== '').join('  ');
  return words === '' ? (titleOf(id, node, types) === id ? '' : id) : words;
}
