/**
 * What differs between two documents, in words, as far as it changes what a run does: titles, notes and the drawing do not
 * count. Serves the bar over an earlier graph, the comparison of runs, and the question whether live figures belong to the
 * draft.
 */
import type { AnyGraph, AnyNode, Document, Edge, ParamValue, Params } from '../../engine/protocol/document.ts';
import { sameJson } from '../../engine/protocol/equal.ts';
import { entriesOf } from '../../engine/protocol/ids.ts';
import { isLayered } from '../../engine/protocol/params.ts';
import { nameInWords } from './words.ts';

export interface Change {
  /** What it is about: `Train`, `main: Query projection`, `Recipe lora`. */
  readonly place: string;
  /** `learning rate`, `layers`; empty when the whole place came or went. */
  readonly field: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** A setting of a workflow step, which leaves the graphs as they are; its path as the command line takes it. */
  readonly setting?: string;
}

/** `Train: learning rate 0.001 → 0.003`. */
export function changeInWords(change: Change): string {
  const { place, field, before, after } = change;
  const name = field === '' ? place : `${place}: ${field}`;
  if (before === undefined) return after === '' || after === undefined ? `${name} added` : `${name} ${after} added`;
  if (after === undefined) return before === '' ? `${name} removed` : `${name} ${before} removed`;
  return `${name} ${before} → ${after}`;
}

export function changesOf(before: Document, after: Document): readonly Change[] {
  if (before === after) return [];
  const found: Change[] = [];
  graphChanges(before.workflow, after.workflow, { prefix: '', path: [] }, found);
  eachKey(before.models, after.models, (id, one, other) => {
    if (one && other) graphChanges(one, other, { prefix: `${id}: ` }, found);
    else found.push(whole(`Model ${id}`, one === undefined));
  });
  eachKey(before.recipes, after.recipes, (id, one, other) => {
    const place = `Recipe ${id}`;
    if (!one || !other) return found.push(whole(place, one === undefined));
    field(place, 'type', one.type, other.type, found);
    field(place, 'text', one.raw, other.raw, found);
    return paramChanges(place, one.params, other.params, found);
  });
  eachKey(before.banks, after.banks, (id, one, other) => {
    const place = `Source bank ${id}`;
    if (!one || !other) return found.push(whole(place, one === undefined));
    const rows = (bank: typeof one): string => bank.sources.map((s) => s.name).join(', ');
    if (sameJson(one.sources, other.sources)) return 0;
    const [left, right] = [rows(one), rows(other)];
    return found.push({
      place,
      field: 'sources',
      before: left,
      after: left === right ? `${right} (changed)` : right,
    });
  });
  eachKey(before.sharedSets, after.sharedSets, (id, one, other) => {
    if (!one || !other) found.push(whole(`Shared set ${id}`, one === undefined));
  });
  return found;
}

/** `same`: nothing differs. `variant`: settings of steps alone, as in seeds and sweeps. `other`: another graph. */
export type Relation = 'same' | 'variant' | 'other';

export const relationOf = (changes: readonly Change[]): Relation =>
  changes.length === 0 ? 'same' : changes.every((c) => c.setting !== undefined) ? 'variant' : 'other';

interface Where {
  readonly prefix: string;
  /** The containers around, for steps of the workflow. */
  readonly path?: readonly string[];
}

const whole = (place: string, added: boolean): Change => ({
  place,
  field: '',
  before: added ? undefined : '',
  after: added ? '' : undefined,
});

const titleOf = (id: string, node: AnyNode): string => (node.title === undefined ? id : `${node.title}`);

function graphChanges(before: AnyGraph, after: AnyGraph, where: Where, found: Change[]): void {
  if (before === after) return;
  const moved = new Set<string>();
  eachKey<AnyNode>(before.nodes, after.nodes, (id, one, other) => {
    const named = other ?? one;
    const place = `${where.prefix}${named ? titleOf(id, named) : id}`;
    if (one && other) return nodeChanges(id, place, one, other, where, found);
    moved.add(id);
    return found.push(whole(place, one === undefined));
  });
  wireChanges(before.edges, after.edges, where.prefix, moved, found);
}

function nodeChanges(id: string, place: string, one: AnyNode, other: AnyNode, where: Where, found: Change[]): void {
  if (one === other) return;
  const inside: Where = { prefix: where.prefix, ...(where.path ? { path: [...where.path, id] } : {}) };
  paramChanges(place, one.params, other.params, found, inside.path?.join('/'));
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (key === 'params' || key === 'body' || key === 'title' || key === 'notes' || key === 'version') continue;
    field(place, nameInWords(key), one[key as keyof AnyNode], other[key as keyof AnyNode], found);
  }
  if (one.body && other.body) graphChanges(one.body, other.body, inside, found);
  else if (one.body || other.body) found.push(whole(`${place}: body`, one.body === undefined));
}

function paramChanges(place: string, before: Params, after: Params, found: Change[], step?: string): void {
  eachKey<ParamValue>(before, after, (name, one, other) => {
    const setting = step === undefined ? undefined : `${step}.${name}`;
    field(place, nameInWords(name), one, other, found, setting);
  });
}

function field(place: string, name: string, one: unknown, other: unknown, found: Change[], setting?: string): void {
  if (sameJson(one, other)) return;
  found.push({
    place,
    field: name,
    before: one === undefined ? 'default' : valueInWords(one),
    after: other === undefined ? 'default' : valueInWords(other),
    ...(setting === undefined ? {} : { setting }),
  });
}

function wireChanges(
  before: readonly Edge[],
  after: readonly Edge[],
  prefix: string,
  moved: ReadonlySet<string>,
  found: Change[],
): void {
  if (before === after) return;
  const texts = (edges: readonly Edge[]): ReadonlySet<string> =>
    new Set(edges.filter((e) => !moved.has(e.from.node) && !moved.has(e.to.node)).map(wireText));
  const [one, other] = [texts(before), texts(after)];
  for (const text of one)
    if (!other.has(text)) found.push({ place: `${prefix}wire`, field: '', before: text, after: undefined });
  for (const text of other)
    if (!one.has(text)) found.push({ place: `${prefix}wire`, field: '', before: undefined, after: text });
}

const wireText = (e: Edge): string =>
  `${e.from.node}.${e.from.port} → ${e.to.node}.${e.to.port}${e.order === undefined ? '' : ` (place ${e.order})`}`;

/** A value as a person would say it: `8 (layers 4-5: 16)`, `text, title`, `on`. */
export function valueInWords(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number' || typeof value === 'string') return String(value) === '' ? '(empty)' : String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(valueInWords).join(', ');
  if (isLayered(value as ParamValue)) {
    const { all, at } = value as { all?: unknown; at?: Readonly<Record<string, unknown>> };
    if (all !== undefined && at !== undefined)
      return `${valueInWords(all)}${Object.entries(at)
        .map(([layers, v]) => ` (layers ${layers}: ${valueInWords(v)})`)
        .join('')}`;
  }
  return Object.entries(value as Readonly<Record<string, unknown>>)
    .map(([key, v]) => `${nameInWords(key)} ${valueInWords(v)}`)
    .join(', ');
}

function eachKey<V>(
  before: Readonly<Record<string, V>>,
  after: Readonly<Record<string, V>>,
  visit: (key: string, one: V | undefined, other: V | undefined) => unknown,
): void {
  if (before === after) return;
  for (const [key, one] of entriesOf(before)) visit(key, one, after[key]);
  for (const [key, other] of entriesOf(after)) if (before[key] === undefined) visit(key, undefined, other);
}

export interface SettingRow {
  readonly place: string;
  readonly field: string;
  /** One text per document, in the order given. */
  readonly values: readonly string[];
}

/** The settings in which several documents differ, and nothing else. */
export function differingSettings(documents: readonly Document[]): readonly SettingRow[] {
  const [first, ...rest] = documents;
  if (!first) return [];
  const rows = new Map<string, { place: string; field: string; base: string; values: Map<number, string> }>();
  rest.forEach((document, i) => {
    for (const { place, field: name, before, after } of changesOf(first, document)) {
      const wire = name === '' && (before ?? after ?? '') !== '' ? ` ${before ?? after ?? ''}` : '';
      const key = `${place}${wire}\n${name}`;
      const gone = name === '';
      const base = gone ? (before === undefined ? 'no' : 'yes') : (before ?? 'none');
      const row = rows.get(key) ?? { place: `${place}${wire}`, field: name, base, values: new Map<number, string>() };
      row.values.set(i + 1, gone ? (after === undefined ? 'no' : 'yes') : (after ?? 'none'));
      rows.set(key, row);
    }
  });
  return [...rows.values()].map(({ place, field: name, base, values }) => ({
    place,
    field: name,
    values: documents.map((_, i) => values.get(i) ?? base),
  }));
}
