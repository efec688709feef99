/**
 * Sets aside the nodes and recipes whose type the reader does not know: each becomes a placeholder that carries its text
 * as it stood in the file, so that saving gives the same bytes back. Works on parsed JSON of the newest version, before
 * the schema has seen it, and therefore trusts no shape.
 */
import { recordOf } from './ids.ts';
import type { Span, SpanOf } from './jsonText.ts';
import type { JsonObject } from './migrations.ts';

/** Whether a node type is known in this version. */
export type KnowsType = (type: string, version: number) => boolean;

export interface KeptUnknown {
  /** The document with placeholders; what holds no unknown node is the same object as before. */
  readonly document: JsonObject;
  /** Where the kept texts stand. */
  readonly spans: readonly Span[];
  /** Paths of fields named `raw` in known nodes: the name is reserved for placeholders. */
  readonly reserved: readonly (readonly string[])[];
  /** How many nodes there are, on all levels. */
  readonly nodes: number;
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function keepUnknown(document: JsonObject, text: string, spanOf: SpanOf, knows: KnowsType): KeptUnknown {
  const keptSpans: Span[] = [];
  const reserved: (readonly string[])[] = [];
  let nodes = 0;

  const placeholder = (node: JsonObject, type: string, version: number): JsonObject => {
    const span = spanOf(node);
    if (span !== undefined) keptSpans.push(span);
    // A node that a migration has rebuilt has no text of its own any more.
    const raw = span === undefined ? JSON.stringify(node, null, 2) : text.slice(span.start, span.end);
    return { type, version, params: recordOf([]), raw };
  };

  const visitNode = (node: unknown, path: readonly string[]): unknown => {
    if (!isObject(node)) return node;
    const type = node['type'];
    const version = node['version'];
    if (typeof type === 'string' && type !== '') {
      const number = typeof version === 'number' && Number.isSafeInteger(version) && version >= 1 ? version : 1;
      if (!knows(type, number)) return placeholder(node, type, number);
    }
    if ('raw' in node) reserved.push([...path, 'raw']);
    const { raw: _reserved, ...known } = node;
    return 'body' in node ? { ...known, body: visitGraph(node['body'], [...path, 'body']) } : known;
  };

  const visitEach = (
    record: unknown,
    path: readonly string[],
    visit: (value: unknown, path: readonly string[]) => unknown,
  ): unknown =>
    isObject(record)
      ? recordOf(Object.entries(record).map(([id, value]) => [id, visit(value, [...path, id])] as const))
      : record;

  const visitGraph = (graph: unknown, path: readonly string[]): unknown => {
    if (!isObject(graph) || !isObject(graph['nodes'])) return graph;
    nodes += Object.keys(graph['nodes']).length;
    return { ...graph, nodes: visitEach(graph['nodes'], [...path, 'nodes'], visitNode) };
  };

  const visited = recordOf(
    Object.entries(document).map(([key, value]) => {
      if (key === 'workflow') return [key, visitGraph(value, [key])] as const;
      if (key === 'models') return [key, visitEach(value, [key], visitGraph)] as const;
      if (key === 'recipes') return [key, visitEach(value, [key], visitNode)] as const;
      return [key, value] as const;
    }),
  );
  return { document: visited, spans: keptSpans, reserved, nodes };
}
