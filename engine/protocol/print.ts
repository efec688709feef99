/**
 * The canonical text of a document: the key order of the schemas, ids in the order in which they were inserted, two spaces
 * of indentation, wires and short records on one line, a newline at the end. `parse(print(d))` equals `d`, and
 * `print(parse(t))` is `t` for a text made here. Nodes of unknown types come out byte for byte as they came in.
 */
import { isLayered } from './params.ts';
import type { Document, Graph, Node, ParamValue, Recipe, Workflow, WorkflowNode } from './document.ts';
import {
  artifactRefSchema,
  bankSchema,
  bankSourceSchema,
  documentSchema,
  edgeSchema,
  forEachItemSchema,
  graphSchema,
  nodeSchema,
  promotedSchema,
  recipeSchema,
  sharedSetSchema,
  stackSchema,
  workflowNodeSchema,
  workflowSchema,
} from './schema.ts';

/** Prints a value that starts at the given depth of indentation. */
type Printer<T> = (value: T, depth: number) => string;
/** One printer per field, in the order of the schema; a field without one would not be printed, so the table is total. */
type FieldPrinters<T> = { readonly [K in keyof T]-?: Printer<Exclude<T[K], undefined>> };

export const printDocument = (document: Document): string => `${printDocumentAt(document, 0)}\n`;

const json: Printer<unknown> = (value, depth) =>
  JSON.stringify(value, null, 2).replaceAll('\n', `\n${'  '.repeat(depth)}`);

/** A value on one line: `{ "a": 1, "b": [1, 2] }`. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, v]) => `${JSON.stringify(key)}: ${inline(v)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

const onOneLine: Printer<readonly string[]> = (value) => inline(value);

const paramValue: Printer<ParamValue> = (value) =>
  isLayered(value) ? inline({ all: value.all, at: value.at }) : inline(value);

function block(open: string, close: string, lines: readonly string[], depth: number): string {
  if (lines.length === 0) return open + close;
  const indent = '  '.repeat(depth + 1);
  return `${open}\n${lines.map((line) => indent + line).join(',\n')}\n${'  '.repeat(depth)}${close}`;
}

const listOf =
  <T>(item: Printer<T>): Printer<readonly T[]> =>
  (items, depth) =>
    block(
      '[',
      ']',
      items.map((v) => item(v, depth + 1)),
      depth,
    );

const recordOf =
  <T>(entry: Printer<T>): Printer<Readonly<Record<string, T>>> =>
  (record, depth) =>
    block(
      '{',
      '}',
      Object.entries(record).map(([key, v]) => `${JSON.stringify(key)}: ${entry(v, depth + 1)}`),
      depth,
    );

/** The fields of `value` that are there, in the order of the schema. */
function fields<T extends object>(schema: { readonly shape: object }, printers: FieldPrinters<T>): Printer<T> {
  const order = Object.keys(schema.shape) as (keyof T & string)[];
  return (value, depth) => {
    const lines: string[] = [];
    for (const key of order) {
      const field = value[key];
      if (field === undefined) continue;
      lines.push(`${JSON.stringify(key)}: ${printers[key](field as Exclude<T[typeof key], undefined>, depth + 1)}`);
    }
    return block('{', '}', lines, depth);
  };
}

/** A small record on one line, its fields in the order of the schema. */
const row =
  <T extends object>(...schemas: readonly { readonly shape: object }[]): Printer<T> =>
  (value) => {
    const order = schemas.flatMap((s) => Object.keys(s.shape));
    return inline(Object.fromEntries(order.filter((k) => k in value).map((k) => [k, value[k as keyof T]])));
  };

/** A kept text stands for its whole node. */
const keptOr =
  <T extends { readonly raw?: string }>(printer: Printer<T>): Printer<T> =>
  (value, depth) =>
    value.raw ?? printer(value, depth);

const printPort = row<{ readonly node: string; readonly port: string }>(edgeSchema.shape.from);
const params = recordOf(paramValue);

const printEdge: Printer<Graph['edges'][number]> = (edge) => {
  const order = edge.order === undefined ? '' : `, "order": ${edge.order}`;
  return `{ "from": ${printPort(edge.from, 0)}, "to": ${printPort(edge.to, 0)}${order} }`;
};

const printGraph: Printer<Graph> = (graph, depth) =>
  fields<Graph>(graphSchema, {
    nodes: recordOf(printNode),
    edges: listOf(printEdge),
    promoted: listOf(row(promotedSchema)),
  })(graph, depth);

export const printNode: Printer<Node> = keptOr(
  fields<Node>(nodeSchema, {
    type: json,
    version: json,
    title: json,
    site: json,
    recipe: json,
    shared: json,
    bank: json,
    scope: json,
    layers: json,
    mute: json,
    params,
    stack: fields<NonNullable<Node['stack']>>(stackSchema, {
      name: json,
      repeat: json,
      first: json,
      weights: json,
      carry: onOneLine,
      broadcast: onOneLine,
      collect: onOneLine,
    }),
    body: printGraph,
    notes: json,
    raw: json,
  }),
);

const printWorkflow: Printer<Workflow> = (workflow, depth) =>
  fields<Workflow>(workflowSchema, { nodes: recordOf(printStep), edges: listOf(printEdge) })(workflow, depth);

const printStep: Printer<WorkflowNode> = keptOr(
  fields<WorkflowNode>(workflowNodeSchema, {
    type: json,
    version: json,
    title: json,
    model: json,
    params,
    items: listOf(
      fields<NonNullable<WorkflowNode['items']>[number]>(forEachItemSchema, {
        name: json,
        mute: json,
        set: recordOf(params),
      }),
    ),
    body: printWorkflow,
    notes: json,
    raw: json,
  }),
);

const printRecipe: Printer<Recipe> = keptOr(
  fields<Recipe>(recipeSchema, { type: json, version: json, title: json, params, raw: json }),
);

const printArtifact = row<object>(...artifactRefSchema.options);

const printDocumentAt = fields<Document>(documentSchema, {
  format: json,
  version: json,
  title: json,
  notes: json,
  workflow: printWorkflow,
  models: recordOf(printGraph),
  recipes: recordOf(printRecipe),
  sharedSets: recordOf(row(sharedSetSchema)),
  banks: recordOf(
    fields<Document['banks'][keyof Document['banks']]>(bankSchema, {
      title: json,
      sources: listOf(
        fields<Document['banks'][keyof Document['banks']]['sources'][number]>(bankSourceSchema, {
          name: json,
          artifact: printArtifact,
          mute: json,
          layers: json,
        }),
      ),
    }),
  ),
  view: json,
});
