/** The list of problems: grouped by the place that they are about, the worst first, each with the way to it. */
import type { Diagnostic } from '../../engine/base/errors.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { ModelId, NodeId } from '../../engine/protocol/ids.ts';
import type { Place, Selection } from '../state/place.ts';

export interface ProblemGroup {
  readonly key: string;
  /** `Query projection`, `Data`, `Document`. */
  readonly title: string;
  /** `main / layers / query` */
  readonly path: string;
  readonly problems: readonly Diagnostic[];
  readonly way: Way | undefined;
}

/** Where a click leads. */
export interface Way {
  readonly place: Partial<Place>;
  readonly selection: Selection;
}

const RANK: Readonly<Record<Diagnostic['severity'], number>> = { error: 0, warning: 1, info: 2 };

export function groupProblems(diagnostics: readonly Diagnostic[], document: Document): readonly ProblemGroup[] {
  const groups = new Map<string, Diagnostic[]>();
  for (const d of diagnostics) {
    const key = `${d.where.model ?? ''}:${nodesOf(d).join('/')}`;
    groups.set(key, [...(groups.get(key) ?? []), d]);
  }
  const worst = (list: readonly Diagnostic[]): number => Math.min(...list.map((d) => RANK[d.severity]));
  return [...groups]
    .sort(([, a], [, b]) => worst(a) - worst(b))
    .map(([key, list]) => {
      const [first] = list as [Diagnostic];
      const nodes = nodesOf(first);
      const place = [first.where.model, ...nodes].filter((part) => part !== undefined);
      return {
        key,
        title: titleOf(document, first) ?? nodes.at(-1) ?? (first.where.model === undefined ? 'Document' : 'Model'),
        path: place.join(' / '),
        problems: [...list].sort((a, b) => RANK[a.severity] - RANK[b.severity]),
        way: wayTo(document, first),
      };
    });
}

/** The containers and the node, without the numbers of layers: `layers/3/query` is `layers`, `query`. */
function nodesOf(d: Diagnostic): readonly string[] {
  const text = d.where.node ?? '';
  return text.split('/').filter((part) => part !== '' && part !== '*' && !/^\d+$/.test(part));
}

/** Level, graph and node of a diagnostic, as far as the document still has them. */
export function wayTo(document: Document, d: Diagnostic): Way | undefined {
  const nodes = nodesOf(d);
  const { model } = d.where;
  const known = model !== undefined && model in document.models;
  if (model !== undefined && !known) return undefined;
  if (nodes.length === 0 && model === undefined) return undefined;
  const containers = nodes.slice(0, -1);
  const node = nodes.at(-1);
  const selection = {
    graph: `${model ?? 'workflow'}:${containers.join('/')}`,
    nodes: node === undefined ? [] : [node as NodeId],
    edges: [],
  };
  const layer = d.where.layer === undefined ? {} : { layer: d.where.layer };
  return {
    place:
      model === undefined
        ? { level: 'workflow', view: 'graph' }
        : { level: 'model', model: model as ModelId, view: 'graph', ...layer },
    selection,
  };
}

function titleOf(document: Document, d: Diagnostic): string | undefined {
  let nodes = (
    d.where.model === undefined ? document.workflow.nodes : document.models[d.where.model as ModelId]?.nodes
  ) as Readonly<Record<string, { readonly title?: string; readonly body?: { readonly nodes: object } }>> | undefined;
  let title: string | undefined;
  for (const id of nodesOf(d)) {
    const node = nodes?.[id];
    title = node?.title;
    nodes = node?.body?.nodes as typeof nodes;
  }
  return title;
}
