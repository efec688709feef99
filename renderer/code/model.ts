/** What the code view works out of the state: places of nodes in the code, what a JSON edit would change, names of new nodes. */
import { freeName } from '../../engine/base/freeName.ts';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { diff } from '../../engine/protocol/api/patch.ts';
import type { CommandResult } from '../../engine/protocol/api/commands.ts';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { Diagnostic } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { addNode, freeNodeId, graphAt, inModel } from '../../engine/protocol/edit.ts';
import { recordOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';
import { parseDocument } from '../../engine/protocol/parse.ts';
import type { Editor } from '../state/editor.ts';
import type { Selection } from '../state/place.ts';
import type { LineRange } from './CodeEditor.tsx';

export type ExportedCode = CommandResult<'project.code'>;
type Span = ExportedCode['spans'][number];

/** The path of a node of a graph (`main:layers`) with `*` for the layer, as the code's places name it. */
export function spanPath(graph: string, node: NodeId): string {
  const inside = graph.slice(graph.indexOf(':') + 1);
  return [...(inside === '' ? [] : inside.split('/').flatMap((part) => [part, '*'])), node].join('/');
}

/** The lines of the selected nodes, each once, in order. */
export function selectedLines(code: ExportedCode | undefined, selection: Selection): readonly LineRange[] {
  if (!code) return [];
  const wanted = new Set(selection.nodes.map((node) => spanPath(selection.graph, node)));
  return code.spans.filter((s) => wanted.has(s.node)).map(({ from, to }) => ({ from, to }));
}

/** The node that a line belongs to: the one with the fewest lines there. */
export function nodeAtLine(code: ExportedCode, line: number): string | undefined {
  const size = (s: Span): number => s.to - s.from;
  const here = code.spans.filter((s) => s.from <= line && line <= s.to);
  return here.reduce<Span | undefined>((best, s) => (best && size(best) <= size(s) ? best : s), undefined)?.node;
}

/** The selection that a path with `*` for the layer stands for. */
export function selectionOf(model: ModelId, path: string): Selection {
  const parts = path.split('/').filter((part) => part !== '*');
  const node = parts.pop() as NodeId;
  return { graph: `${model}:${parts.join('/')}`, nodes: [node], edges: [] };
}

/** Types that are containers rather than nodes or steps of the catalog. */
const CONTAINERS: ReadonlySet<string> = new Set(['stack', 'for-each']);

export interface JsonRead {
  /** Missing when the text is not a document. */
  readonly document?: Document;
  readonly diagnostics: readonly Diagnostic[];
  /** How many places differ from the document that is shown. */
  readonly changes: number;
}

/** Reads an edited text. Nodes whose type nobody knows are kept as their text, as when the file is opened. */
export function readJson(text: string, now: Document, file: string, catalog: Catalog | undefined): JsonRead {
  const types = new Set([...(catalog?.nodes ?? []), ...(catalog?.steps ?? [])].map((t) => t.type));
  const knows = (type: string): boolean => catalog === undefined || CONTAINERS.has(type) || types.has(type);
  const { document, diagnostics } = parseDocument(text, file, { knows });
  if (!document) return { diagnostics, changes: 0 };
  return { document, diagnostics, changes: diff(now, document).length };
}

/** `mine`, `mine-2`: a name that no node of the list has. */
export function freeNodeName(
  wished: string,
  nodes: readonly Pick<CustomNode, 'name'>[],
  drafts: Iterable<string>,
): string {
  const taken = new Set([...nodes.map((n) => n.name), ...drafts]);
  return freeName(wished, (name) => taken.has(name), '-');
}

export const NODE_NAME = /^[a-z][A-Za-z0-9-]{0,39}$/;

/** `gated-mlp` becomes `Gated mlp`. */
export const titleOf = (name: string): string => {
  const words = name
    .replace(/-/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

export const sourceFromTemplate = (template: string, name: string): string =>
  template.replaceAll('NAME', name).replaceAll('TITLE', titleOf(name));

/** Puts a node of the type into the graph that is looked at and shows it there. */
export function useOnCanvas(editor: Editor, node: CustomNode): void {
  const { document, place, selection } = editor.store.getState();
  const model = place.model ?? (document && (Object.keys(document.models)[0] as ModelId | undefined));
  const { info } = node;
  if (!document || model === undefined || !info) {
    editor.toast('warning', 'Open a project with a model first; the node is in the palette then.');
    return;
  }
  const inside = selection.graph.startsWith(`${model}:`) ? selection.graph.slice(model.length + 1) : '';
  const path = (inside === '' ? [] : inside.split('/')) as NodeId[];
  const graph = inModel(model, ...path);
  const id = freeNodeId(graphAt(document, graph) ?? { nodes: {} }, node.name.replace(/-/g, '_'));
  const made = { type: info.type, version: info.version, params: recordOf<string, never>([]) };
  const select: Selection = { graph: `${model}:${path.join('/')}`, nodes: [id], edges: [] };
  if (!editor.edit(`Add ${info.title}`, (d) => addNode(d, graph, id, made), { select })) return;
  editor.set({ place: { ...place, level: 'model', model, view: 'graph' }, selection: select });
  editor.toast(
    'info',
    `"${info.title}" stands on the canvas, not connected yet. Draw wires to its ports, or drag it from the palette onto a wire.`,
  );
}
