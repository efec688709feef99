/** Short ways to write documents in tests: plain literals go through the parser, wires are `a.out -> b.in`. */
import { formatDiagnostic, type Diagnostic } from '../../../engine/base/errors.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { knows } from './generate.ts';

export type Literal = Readonly<Record<string, unknown>>;

/** A document literal with what every document has. */
export const literal = (parts: Literal): Literal => ({
  format: 'espalier',
  version: 1,
  title: 't',
  models: {},
  ...parts,
});

/** The document of a literal, which must have the right shape. */
export function build(parts: Literal): Document {
  const { document, diagnostics } = parseDocument(JSON.stringify(literal(parts)), 'test', { knows });
  if (document === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return document;
}

/** Wires such as `a.out -> b.in` or `a.out -> b.in #2`. */
export const wires = (...texts: readonly string[]) =>
  texts.map((text) => {
    const [, from, out, to, into, order] = /^(\S+)\.(\S+) -> (\S+)\.(\S+)(?: #(-?\d+))?$/.exec(text) ?? [];
    if (into === undefined) throw new Error(`no wire: ${text}`);
    const ends = { from: { node: from, port: out }, to: { node: to, port: into } };
    return order === undefined ? ends : { ...ends, order: Number(order) };
  });

export const node = (more: Literal = {}): Literal => ({ type: 'plain', version: 1, ...more });

/** Nodes of the plain type by their ids. */
export const plain = (...ids: readonly string[]): Literal => Object.fromEntries(ids.map((id) => [id, node()]));

/** A stack with one carry port and, unless `more` says otherwise, a body that hands it through node `q`. */
export const stack = (
  first: number,
  repeat: number,
  more: Literal = {},
  q: Literal = {},
  settings: Literal = {},
): Literal => ({
  type: 'stack',
  version: 1,
  stack: { repeat, first, weights: 'each', carry: ['x'], ...settings },
  body: { nodes: { q: node(q) }, edges: wires('$in.x -> q.in', 'q.out -> $out.x') },
  ...more,
});

/** A document with one model `main`. */
export const model = (nodes: Literal, edges: readonly unknown[] = [], rest: Literal = {}): Document =>
  build({ models: { main: { nodes, edges } }, ...rest });

/** `code at place: message` without what is fixed by the code. */
export const codes = (diagnostics: readonly Diagnostic[]): readonly string[] => diagnostics.map((d) => d.code);

/** `code main:stack/q.param@port` for assertions on code and place. */
export const placed = (diagnostics: readonly Diagnostic[]): readonly string[] =>
  diagnostics.map(({ code, where: w }) =>
    [
      code,
      ...(w.model === undefined ? [] : [`model=${w.model}`]),
      ...(w.node === undefined ? [] : [`node=${w.node}`]),
      ...(w.port === undefined ? [] : [`port=${w.port}`]),
      ...(w.param === undefined ? [] : [`param=${w.param}`]),
    ].join(' '),
  );
