/**
 * The language of finding: words, and `key:value` terms (`site:attn.q,attn.v`, `type:lora`, `is:trainable`, `rank>=8`,
 * `in:layers`). A term fits when one of its values does; a node is found when all terms fit.
 */
import { effectiveParams, type Document, type Graph, type Node } from '../../../engine/protocol/document.ts';
import { stackValue } from '../../../engine/protocol/params.ts';
import { entriesOf, type ModelId, type NodeId } from '../../../engine/protocol/ids.ts';
import { isTrainableType, type TypeIndex } from './catalog.ts';
import { sceneId } from './scene.ts';
import { titleOf } from './words.ts';

export interface Term {
  readonly key: string;
  readonly compare: ':' | '=' | '>' | '<' | '>=' | '<=';
  readonly values: readonly string[];
}
export interface Query {
  readonly words: readonly string[];
  readonly terms: readonly Term[];
}

export function parseQuery(text: string): Query {
  const words: string[] = [];
  const terms: Term[] = [];
  for (const part of text.trim().split(/\s+/)) {
    const found = /^([A-Za-z][A-Za-z0-9_]*)(:|>=|<=|=|>|<)(.+)$/.exec(part);
    if (found) {
      const [, key = '', compare = ':', values = ''] = found;
      terms.push({
        key: key.toLowerCase() === key ? key : key,
        compare: compare as Term['compare'],
        values: values.split(',').filter((v) => v !== ''),
      });
    } else if (part !== '') words.push(part.toLowerCase());
  }
  return { words, terms };
}

/** `attn.q` names `attn.query`: each dotted part may be shortened, as people write them. */
export function siteFits(site: string, wanted: string): boolean {
  const a = site.toLowerCase().split('.');
  const b = wanted.toLowerCase().split('.');
  if (b.length === 1) return a.some((part) => part.startsWith(b[0] ?? ''));
  return b.length <= a.length && b.every((part, i) => (a[i] ?? '').startsWith(part));
}

export interface Found {
  readonly id: string;
  readonly graph: string;
  readonly node: NodeId;
  readonly value: Node;
  readonly title: string;
}

export function findNodes(document: Document, model: ModelId, text: string, types: TypeIndex): readonly Found[] {
  const query = parseQuery(text);
  if (query.words.length === 0 && query.terms.length === 0) return [];
  const found: Found[] = [];
  const walk = (graph: Graph, path: readonly NodeId[]): void => {
    for (const [node, value] of entriesOf<NodeId, Node>(graph.nodes)) {
      if (fits(document, query, node, value, path, types)) {
        found.push({
          id: sceneId(path, node),
          graph: `${model}:${path.join('/')}`,
          node,
          value,
          title: titleOf(node, value, types),
        });
      }
      if (value.body) walk(value.body, [...path, node]);
    }
  };
  const top = document.models[model];
  if (top) walk(top, []);
  return found;
}

function fits(
  document: Document,
  query: Query,
  id: NodeId,
  node: Node,
  path: readonly NodeId[],
  types: TypeIndex,
): boolean {
  const title = titleOf(id, node, types).toLowerCase();
  const kind = types.node(node.type)?.title.toLowerCase() ?? '';
  const words = query.words.every(
    (w) =>
      title.includes(w) ||
      id.toLowerCase().includes(w) ||
      node.type.toLowerCase().includes(w) ||
      kind.includes(w) ||
      (node.site ?? '').includes(w),
  );
  return words && query.terms.every((t) => termFits(document, t, id, node, path, types));
}

function termFits(
  document: Document,
  term: Term,
  id: NodeId,
  node: Node,
  path: readonly NodeId[],
  types: TypeIndex,
): boolean {
  const any = (fit: (value: string) => boolean): boolean => term.values.some(fit);
  switch (term.key.toLowerCase()) {
    case 'site':
      return node.site !== undefined && any((v) => siteFits(node.site ?? '', v));
    case 'type':
      return any(
        (v) =>
          node.type.toLowerCase().includes(v.toLowerCase()) ||
          (types.node(node.type)?.title.toLowerCase() ?? '').includes(v.toLowerCase()),
      );
    case 'name':
      return any(
        (v) =>
          id.toLowerCase().includes(v.toLowerCase()) ||
          titleOf(id, node, types).toLowerCase().includes(v.toLowerCase()),
      );
    case 'recipe':
      return any((v) => node.recipe === v);
    case 'in':
      return any((v) => path.some((p) => p === v));
    case 'is':
      return any((v) => stateFits(v, node, types));
    default:
      return paramFits(document, term, node, types);
  }
}

function stateFits(word: string, node: Node, types: TypeIndex): boolean {
  switch (word.toLowerCase()) {
    case 'trainable':
      return isTrainableType(types.node(node.type));
    case 'frozen':
      return !isTrainableType(types.node(node.type)) && node.stack === undefined;
    case 'muted':
      return node.mute !== undefined && node.mute !== false;
    case 'unknown':
      return node.raw !== undefined || (types.node(node.type) === undefined && node.stack === undefined);
    default:
      return false;
  }
}

function paramFits(document: Document, term: Term, node: Node, types: TypeIndex): boolean {
  const params = effectiveParams(document, node);
  const name = Object.keys(types.node(node.type)?.params ?? params).find(
    (p) => p.toLowerCase() === term.key.toLowerCase(),
  );
  if (name === undefined) return false;
  const value = params[name] ?? types.node(node.type)?.params[name]?.default;
  if (value === undefined) return false;
  const plain = stackValue(value);
  const text = String(plain);
  return term.values.some((wanted) => {
    const [a, b] = [Number(text), Number(wanted)];
    switch (term.compare) {
      case '>':
        return a > b;
      case '<':
        return a < b;
      case '>=':
        return a >= b;
      case '<=':
        return a <= b;
      case ':':
      case '=':
        return text.toLowerCase() === wanted.toLowerCase() || (!Number.isNaN(a) && a === b);
    }
  });
}
