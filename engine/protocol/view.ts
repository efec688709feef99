/**
 * What a document keeps about its drawing, under `view`: positions, collapsed containers, groups and notes. The compiler
 * never reads it. It is read leniently: what does not fit is left out, because a picture is never worth refusing a file.
 */
import { z } from 'zod';
import type { Document } from './document.ts';

const point = z.object({ x: z.number(), y: z.number() });
const groupSchema = z.object({
  title: z.string().max(1000),
  /** Ids of nodes of the same graph. */
  nodes: z.array(z.string()),
  colour: z.string().max(32).optional(),
});
const noteSchema = z.object({
  text: z.string().max(100_000),
  x: z.number(),
  y: z.number(),
  width: z.number(),
  height: z.number(),
});
/** The drawing of one graph; keyed by the text of the graph's address (`main:layers`). */
const graphViewSchema = z.object({
  positions: z.record(z.string(), point).prefault({}),
  collapsed: z.array(z.string()).prefault([]),
  groups: z.record(z.string(), groupSchema).prefault({}),
  notes: z.record(z.string(), noteSchema).prefault({}),
});
const viewSchema = z.object({ graphs: z.record(z.string(), graphViewSchema).prefault({}) });

export type Point = Readonly<z.output<typeof point>>;
export type GraphView = Readonly<z.output<typeof graphViewSchema>>;
export type View = Readonly<z.output<typeof viewSchema>>;
export type Group = Readonly<z.output<typeof groupSchema>>;
export type Note = Readonly<z.output<typeof noteSchema>>;

const EMPTY: GraphView = { positions: {}, collapsed: [], groups: {}, notes: {} };

const read = new WeakMap<object, View>();

export function viewOf(document: Document): View {
  const raw = document.view;
  if (typeof raw !== 'object' || raw === null) return { graphs: {} };
  const known = read.get(raw);
  if (known) return known;
  const parsed = viewSchema.safeParse(raw);
  const view = parsed.success ? parsed.data : { graphs: {} };
  read.set(raw, view);
  return view;
}

/** The drawing of the graph with the address text `at`. */
export const graphViewOf = (document: Document, at: string): GraphView => viewOf(document).graphs[at] ?? EMPTY;

/** The document with the drawing of one graph changed. */
export function withGraphView(document: Document, at: string, change: (before: GraphView) => GraphView): Document {
  const view = viewOf(document);
  return { ...document, view: { ...view, graphs: { ...view.graphs, [at]: change(graphViewOf(document, at)) } } };
}
