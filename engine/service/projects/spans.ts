/**
 * Which lines of exported code a node of the graph is responsible for. A node is an attribute of the class of its graph
 * (`self.query` in `Layer`), or the local name of what it gives; where its class stands in the file, that counts too. Nodes
 * that vanish in a longer expression have no lines.
 */
import type { Graph, Node } from '../../protocol/document.ts';
import { entriesOf, type NodeId } from '../../protocol/ids.ts';

export interface Span {
  /** The path with `*` for the layer. */
  readonly node: string;
  /** Lines from 1, both included. */
  readonly from: number;
  readonly to: number;
}

interface Statement {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

interface ClassText {
  readonly from: number;
  readonly to: number;
  readonly statements: readonly Statement[];
}

export function nodeSpans(text: string, graph: Graph): readonly Span[] {
  const classes = classesIn(text.split('\n'));
  const found: Span[] = [];
  const visit = (inner: Graph, path: readonly string[], of: readonly ClassText[]): void => {
    for (const [id, node] of entriesOf<NodeId, Node>(inner.nodes)) {
      const spans = of.flatMap((c) => statementsOf(c, id));
      const made = constructed(spans, id);
      const own = made.flatMap((name) => classes.get(name) ?? []);
      for (const { from, to } of [...spans, ...own]) found.push({ node: [...path, id].join('/'), from, to });
      if (node.body) visit(node.body, [...path, id, '*'], own);
    }
  };
  const model = classes.get('Model');
  visit(graph, [], model ? [model] : []);
  return found;
}

/** As the exporter writes ids: no dashes, and an underscore or number behind a word that Python keeps for itself. */
const attributeOf = (id: string): string => `${id.replaceAll('-', '_')}(?:_|\\d+)?`;

function statementsOf({ statements }: ClassText, id: string): readonly Statement[] {
  const attribute = new RegExp(`\\bself\\.${attributeOf(id)}(?![A-Za-z0-9_])`);
  const local = new RegExp(`^\\s*${attributeOf(id)} = `);
  const byAttribute = statements.filter((s) => attribute.test(s.text));
  return byAttribute.length > 0 ? byAttribute : statements.filter((s) => local.test(s.text));
}

/** Names of the classes that the assignment of an attribute constructs. */
function constructed(statements: readonly Statement[], id: string): readonly string[] {
  const assignment = new RegExp(`^\\s*self\\.${attributeOf(id)} = `);
  return statements
    .filter((s) => assignment.test(s.text))
    .flatMap((s) => [...s.text.matchAll(/(?<![.\w])([A-Z]\w*)\(/g)].flatMap((m) => m[1] ?? []));
}

/** The classes of a file by name, each with the statements of its methods. */
function classesIn(lines: readonly string[]): ReadonlyMap<string, ClassText> {
  const classes = new Map<string, ClassText>();
  for (let i = 0; i < lines.length; i++) {
    const name = /^class (\w+)\b/.exec(lines[i] ?? '')?.[1];
    if (name === undefined) continue;
    let end = i + 1;
    while (end < lines.length && (lines[end] === '' || /^\s/.test(lines[end] ?? ''))) end += 1;
    let last = end;
    while (last > i + 1 && lines[last - 1] === '') last -= 1;
    classes.set(name, { from: i + 1, to: last, statements: statementsIn(lines, i + 1, last) });
    i = end - 1;
  }
  return classes;
}

/** Statements that may go over several lines; a line of a method that opens no bracket is one of its own. */
function statementsIn(lines: readonly string[], from: number, to: number): readonly Statement[] {
  const statements: Statement[] = [];
  let start = from;
  let depth = 0;
  let doc = false;
  for (let i = from; i < to; i++) {
    const line = lines[i] ?? '';
    const quotes = line.split('"""').length - 1;
    const inDoc = doc;
    if (quotes % 2 === 1) doc = !doc;
    if (inDoc || quotes > 0) {
      start = i + 1;
      continue;
    }
    depth += brackets(line);
    if (depth > 0) continue;
    depth = 0;
    statements.push({ from: start + 1, to: i + 1, text: lines.slice(start, i + 1).join('\n') });
    start = i + 1;
  }
  return statements;
}

/** Opened minus closed brackets outside of string literals. */
function brackets(line: string): number {
  const code = line.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '').replace(/#.*$/, '');
  return (code.match(/[([{]/g)?.length ?? 0) - (code.match(/[)\]}]/g)?.length ?? 0);
}
