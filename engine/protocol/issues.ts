/**
 * Turns zod's issues into diagnostics in words, and paths inside a document into places. Every kind of issue that the
 * document's schemas can raise is handled; one that is not would be a bug and says so.
 */
import type { z } from 'zod';
import { BugError, type Diagnostic, type Place } from '../base/errors.ts';
import { diagnose } from './messages.ts';

export type Path = readonly PropertyKey[];

/** The place that a path inside the file points to: model, node (with its containers, `stack/q`), parameter. */
export function placeOf(path: Path): Place {
  const [level, ...rest] = path;
  if (level === 'models' && rest[0] !== undefined) return { model: String(rest[0]), ...nodePlace(rest.slice(1)) };
  if (level === 'workflow') return nodePlace(rest);
  return {};
}

function nodePlace(path: Path): Place {
  const nodes: string[] = [];
  let rest = path;
  while (rest[0] === 'nodes' && rest[1] !== undefined) {
    nodes.push(String(rest[1]));
    rest = rest[2] === 'body' ? rest.slice(3) : rest.slice(2);
  }
  const param = rest[0] === 'params' && rest[1] !== undefined ? { param: String(rest[1]) } : {};
  return nodes.length === 0 ? {} : { node: nodes.join('/'), ...param };
}

/** `banks.b.sources[2].name`; inside a node only what follows the node, because the place names the node. */
export function fieldName(path: Path): string {
  let start = 0;
  for (let i = 0; i + 1 < path.length; i++) {
    if (path[i] === 'nodes' && isNodeKey(path, i)) start = Math.min(i + 2, path.length - 1);
  }
  return path
    .slice(start)
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/** Whether the `nodes` at index `i` is a graph's field and no parameter or view entry of that name. */
function isNodeKey(path: Path, i: number): boolean {
  if (path[0] === 'workflow') return i === 1 || path[i - 1] === 'body';
  return path[0] === 'models' && (i === 2 || path[i - 1] === 'body');
}

/** The value at `path`, or `undefined` where the path leaves the data. */
export function valueAtPath(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** A value in at most 60 characters. */
export function glimpse(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return `an object with ${Object.keys(value).length} fields`;
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a finite number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};
const kindWords = (expected: string): string => KINDS[expected] ?? expected;

/** One issue becomes one diagnostic, except unknown keys, which get one each. `locate` adds file and line. */
export function issueDiagnostics(
  issue: z.core.$ZodIssue,
  root: unknown,
  locate: (path: Path) => Place,
): readonly Diagnostic[] {
  const { path } = issue;
  const where = { ...locate(path), ...placeOf(path) };
  const field = fieldName(path);
  const value = valueAtPath(root, path);
  const found = glimpse(value);
  switch (issue.code) {
    case 'invalid_type': {
      const expected = kindWords(issue.expected);
      if (value === undefined) return [diagnose('field-missing', where, { field, expected })];
      return [diagnose('field-type', where, { field, expected, found })];
    }
    case 'unrecognized_keys':
      return issue.keys.map((key) => {
        const at = [...path, key];
        return diagnose('field-unknown', { ...locate(at), ...placeOf(path) }, { field: fieldName(at) });
      });
    case 'invalid_key':
      return [nameDiagnostic(where, path, field, JSON.stringify(String(path.at(-1))))];
    case 'invalid_format':
      return [nameDiagnostic(where, path, field, found)];
    case 'invalid_value':
      if (value === undefined) {
        return [diagnose('field-missing', where, { field, expected: issue.values.map(String).join(' or ') })];
      }
      return [diagnose('field-choice', where, { field, choices: issue.values.map(String), found })];
    case 'too_small':
      return [
        diagnose('field-range', where, { field, rule: sizeRule(issue.origin, 'at least', issue.minimum), found }),
      ];
    case 'too_big':
      return [diagnose('field-range', where, { field, rule: sizeRule(issue.origin, 'at most', issue.maximum), found })];
    case 'custom':
      return [diagnose('asset-path', where, { field, problem: issue.message, found })];
    case 'invalid_union':
      return unionDiagnostics(issue, where, field, found, root, locate);
    case 'not_multiple_of':
    case 'invalid_element':
      throw new BugError(`a schema of the document raised an issue that has no words: ${issue.code}`);
  }
}

const sizeRule = (origin: string, bound: string, size: number | bigint): string => {
  if (origin === 'string') return `${bound} ${size} characters long`;
  if (origin === 'array') return `a list of ${bound} ${size}`;
  return `${bound} ${size}`;
};

/** Texts with a pattern: the key or value is a layer selection, a site, a hash, or else an identifier. */
function nameDiagnostic(where: Place, path: Path, field: string, found: string): Diagnostic {
  const key = path.at(-1);
  if (key === 'layers' || key === 'mute' || path.at(-2) === 'at')
    return diagnose('selection-text', where, { field, found });
  if (key === 'site') {
    return diagnose('field-text', where, { field, expected: 'dotted words such as attn.query', found });
  }
  if (key === 'hash') {
    return diagnose('field-text', where, { field, expected: '64 lower-case hexadecimal digits', found });
  }
  return diagnose('field-name', where, { field, found });
}

/** Unions are parameter values, `mute`, and artifact references. A union whose only misfit lies deeper shows that one. */
function unionDiagnostics(
  issue: z.core.$ZodIssueInvalidUnion,
  where: Place,
  field: string,
  found: string,
  root: unknown,
  locate: (path: Path) => Place,
): readonly Diagnostic[] {
  if (field.endsWith('mute')) return [diagnose('selection-text', where, { field, found })];
  const deeper = issue.errors.find((branch) =>
    branch.every(
      (inner) =>
        inner.path.length > 0 &&
        inner.code !== 'unrecognized_keys' &&
        valueAtPath(root, [...issue.path, ...inner.path]) !== undefined,
    ),
  );
  if (deeper !== undefined) {
    return deeper.flatMap((inner) =>
      issueDiagnostics({ ...inner, path: [...issue.path, ...inner.path] }, root, locate),
    );
  }
  if (issue.path.at(-1) === 'artifact') return [diagnose('artifact-ref', where, { field, found })];
  return [diagnose('param-value', where, { field, found })];
}
