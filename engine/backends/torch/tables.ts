/**
 * The tables of names at the beginning of the module: attribute to checkpoint tensor, attribute to our parameter path.
 * What repeats for every layer is said once.
 */
import { must } from '../../base/errors.ts';
import type { ParameterPaths } from './paths.ts';
import type { Prepared } from './prepare.ts';
import { own } from './python/identifiers.ts';
import { index, integer, invoke, name, text, tuple, type Expr, type Statement } from './python/syntax.ts';
import type { TorchParameter, TorchSource } from './source.ts';

export interface Tables {
  readonly statements: readonly Statement[];
  readonly usesExpand: boolean;
  readonly hasSources: boolean;
  readonly hasRowNorms: boolean;
  readonly hasSampledRows: boolean;
}

type Row = readonly [attribute: string, value: string];
type Rows = readonly Row[];

const STRING = name(own('str'));
const dictOf = (value: Expr): Expr => index(name(own('dict')), STRING, value);

export function tablesOf(source: TorchSource, prepared: Prepared, { paths }: ParameterPaths): Tables {
  const byName = new Map(source.parameters.map((p) => [p.name, p]));
  const firstPath = (entry: string): string | undefined => paths.get(entry)?.[0];
  /** The frozen weight that an initial value is computed from. */
  const origin = (p: TorchParameter): TorchParameter | undefined =>
    p.initFrom === undefined ? undefined : byName.get(prepared.entryNames.get(p.initFrom) ?? '');
  const pretrained: Row[] = [];
  const trainable: Row[] = [];
  const banks = new Map<string, Row[]>();
  const rowNorms: (readonly [Expr, Expr])[] = [];
  const sampled: (readonly [Expr, Expr])[] = [];
  for (const p of source.parameters) {
    const path = firstPath(p.name);
    if (path === undefined) continue;
    if (p.source?.artifact === 'backbone') pretrained.push([path, p.source.tensor]);
    else if (p.source) banks.set(p.source.artifact, [...(banks.get(p.source.artifact) ?? []), [path, p.source.tensor]]);
    if (p.role !== 'trainable') continue;
    trainable.push([path, p.path]);
    const from = origin(p);
    if (p.init?.kind === 'copy' && from?.source) pretrained.push([path, from.source.tensor]);
    const weight = from && firstPath(from.name);
    if (p.init?.kind === 'rowNorm')
      rowNorms.push([text(path), tuple([text(must(weight, `weight of ${p.path}`)), integer(p.init.inputAxis)])]);
    if (p.init?.kind === 'sampleRows')
      sampled.push([text(path), tuple([text(must(weight, `table of ${p.path}`)), integer(p.init.among)])]);
  }
  const table = (id: string, value: Expr, annotation: Expr): Statement => ({
    kind: 'assign',
    targets: [name(own(id))],
    annotation,
    value,
  });
  const pair = index(name(own('tuple')), STRING, name(own('int')));
  const statements = [
    table('PRETRAINED', grouped(pretrained), dictOf(STRING)),
    table('TRAINABLE', grouped(trainable), dictOf(STRING)),
  ];
  if (banks.size > 0) {
    const items = [...banks].map(([artifact, rows]): readonly [Expr, Expr] => [text(artifact), grouped(rows)]);
    statements.push(table('SOURCES', { kind: 'dict', items }, dictOf(dictOf(STRING))));
  }
  if (rowNorms.length > 0) statements.push(table('ROW_NORMS', { kind: 'dict', items: rowNorms }, dictOf(pair)));
  if (sampled.length > 0) statements.push(table('SAMPLED_ROWS', { kind: 'dict', items: sampled }, dictOf(pair)));
  const usesExpand = JSON.stringify(statements).includes('"expand"');
  return {
    statements,
    usesExpand,
    hasSources: banks.size > 0,
    hasRowNorms: rowNorms.length > 0,
    hasSampledRows: sampled.length > 0,
  };
}

/**
 * A dict of the rows. Rows that differ in the number of a layer only are one row of `expand` with `*` for it, and weight
 * and bias of one module are one row that ends in a dot.
 */
function grouped(rows: Rows): Expr {
  const families = new Map<string, { layers: number[]; row: Row }>();
  const plain: Row[] = [];
  for (const row of rows) {
    const starred = star(row);
    if (!starred) {
      plain.push(row);
      continue;
    }
    const key = JSON.stringify(starred.row);
    const known = families.get(key);
    if (known) known.layers.push(starred.layer);
    else families.set(key, { layers: [starred.layer], row: starred.row });
  }
  const groups = new Map<string, { layers: readonly number[]; rows: Row[] }>();
  for (const { layers, row } of families.values()) {
    const key = layers.join();
    const known = groups.get(key);
    if (known) known.rows.push(row);
    else groups.set(key, { layers, rows: [row] });
  }
  const dict = (list: Rows): Expr => ({ kind: 'dict', items: list.map(([k, v]) => [text(k), text(v)] as const) });
  // A name with a star of its own must not be taken for a row of all layers.
  const literal = plain.filter(([, value]) => value.includes('*'));
  const paired = pairs(plain.filter(([, value]) => !value.includes('*')));
  const parts: Expr[] = [];
  if (paired.some(([path]) => path.endsWith('.'))) parts.push(invoke('expand', [dict(paired)]));
  else if (paired.length > 0) literal.unshift(...paired);
  if (literal.length > 0) parts.unshift(dict(literal));
  for (const { layers, rows: list } of groups.values())
    parts.push(invoke('expand', [dict(pairs(list)), numbers(layers)]));
  const [only, ...more] = parts;
  if (only && more.length === 0) return only;
  return { kind: 'dict', items: parts.map((part) => [undefined, part] as const) };
}

/** Rows of a weight and of its bias as one: `query.weight`, `query.bias` as `query.`. */
function pairs(rows: Rows): Row[] {
  const stem = ([path, value]: Row, part: string): string | undefined =>
    path.endsWith(`.${part}`) && value.endsWith(`.${part}`)
      ? JSON.stringify([path.slice(0, -part.length), value.slice(0, -part.length)])
      : undefined;
  const biases = new Set(rows.flatMap((r) => stem(r, 'bias') ?? []));
  const weights = new Set(rows.flatMap((r) => stem(r, 'weight') ?? []));
  return rows.flatMap((row): Row[] => {
    const weight = stem(row, 'weight');
    if (weight !== undefined && biases.has(weight)) return [JSON.parse(weight) as Row];
    const bias = stem(row, 'bias');
    return bias !== undefined && weights.has(bias) ? [] : [row];
  });
}

/** A row with `*` for the number of its layer, where attribute and value have the same number once. */
function star([path, value]: Row): { readonly layer: number; readonly row: Row } | undefined {
  const number = /\.(\d+)\./.exec(path)?.[1];
  if (number === undefined || path.includes('*') || value.includes('*')) return undefined;
  const places = value.split(/(?<=[./])/).map((part) => part.replace(/[./]$/, ''));
  if (places.filter((part) => part === number).length !== 1) return undefined;
  const starredValue = value.replace(new RegExp(`(^|[./])${number}(?=[./])`), '$1*');
  return starredValue === value
    ? undefined
    : { layer: Number(number), row: [path.replace(`.${number}.`, '.*.'), starredValue] };
}

function numbers(layers: readonly number[]): Expr {
  const first = layers[0] ?? 0;
  const inSequence = layers.every((l, i) => l === first + i);
  if (!inSequence || layers.length < 2) return tuple(layers.map(integer));
  const end = integer(first + layers.length);
  return invoke('range', first === 0 ? [end] : [integer(first), end]);
}
