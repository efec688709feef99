/** What stands in each cell of the matrix: the modules of a place in a layer, with what is particular about them there. */
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { effectiveParams, inOrder, type Document, type Graph, type Node } from '../../../engine/protocol/document.ts';
import { graphAt, stackAt } from '../../../engine/protocol/edit.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { isLayered, overridesOf, stackValue, valueAt, type PlainValue } from '../../../engine/protocol/params.ts';
import type { LayerRange } from '../../../engine/protocol/selection.ts';
import { layersOfNode, mutedLayers } from '../../inspector/model/edits.ts';
import { withoutLayers } from '../../inspector/model/figures.ts';
import { isBase, summandsOf, type Anchor, type Grid, type Row, type TypeOf } from './grid.ts';
import { mainParam } from './letters.ts';

export interface CellModule {
  readonly anchor: Anchor;
  readonly node: NodeId;
  readonly type: string;
  readonly letter: string;
  /** `L8`: the letter with the number that tells modules of one type apart. */
  readonly label: string;
  readonly muted: boolean;
  /** A parameter has a value of this layer alone. */
  readonly override: boolean;
  /** Frozen modules of a bank. */
  readonly source: boolean;
  readonly problem: boolean;
}

export type Cell = readonly CellModule[];

/** One module at an anchor, in the layers where it is. */
export interface AttachedModule {
  readonly anchor: Anchor;
  readonly id: NodeId;
  readonly node: Node;
  /** Layers where it is; undefined outside of stacks. */
  readonly layers: ReadonlySet<number> | undefined;
}

/** The modules that are attached at one anchor of a row, in their order. */
export function modulesAt(document: Document, row: Row, anchor: Anchor, typeOf: TypeOf): readonly AttachedModule[] {
  const graph = graphAt(document, anchor.graph);
  if (graph === undefined) return [];
  const range = stackAt(document, anchor.graph);
  const attach = (id: NodeId): AttachedModule[] => {
    const node = graph.nodes[id];
    return node === undefined
      ? []
      : [{ anchor, id, node, layers: range === undefined ? undefined : layersOfNode(node, range) }];
  };
  if (row.kind === 'head') return attach(anchor.node);
  return attachedIds(graph, row, anchor, typeOf).flatMap(attach);
}

function attachedIds(graph: Graph, row: Row, anchor: Anchor, typeOf: TypeOf): readonly NodeId[] {
  const wires = inOrder(graph.edges.filter((e) => e.to.node === anchor.node && e.to.port === anchor.port));
  const tips = wires.map((e) => e.from.node).filter((id) => !isBase(graph, id, typeOf));
  if (row.kind !== 'series' && row.kind !== 'parallel')
    return [...new Set(tips.flatMap((id) => partsOf(graph, id, typeOf)))];
  const residual = summandsOf(graph, anchor.node, typeOf)?.residual.from;
  const parallel = (parts: readonly NodeId[]): boolean =>
    parts.some((id) =>
      graph.edges.some((e) => e.to.node === id && e.from.node === residual?.node && e.from.port === residual.port),
    ) && !parts.some((id) => graph.nodes[id]?.type === 'peft.adapterInput');
  return [
    ...new Set(
      tips
        .map((id) => withHelpers(graph, id, typeOf))
        .filter((parts) => parallel(parts) === (row.kind === 'parallel'))
        .flatMap((parts) => parts.filter((id) => isShown(graph, id, typeOf))),
    ),
  ];
}

/** The modules behind the tip that is wired to a place: an adapter behind its gate, a bank behind its fusion. */
const partsOf = (graph: Graph, tip: NodeId, typeOf: TypeOf): readonly NodeId[] =>
  withHelpers(graph, tip, typeOf).filter((id) => isShown(graph, id, typeOf));

function withHelpers(graph: Graph, tip: NodeId, typeOf: TypeOf): readonly NodeId[] {
  const parts: NodeId[] = [];
  const queue = [tip];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (parts.includes(id) || (isBase(graph, id, typeOf) && graph.nodes[id]?.type !== 'layer.affine')) continue;
    parts.push(id);
    for (const e of graph.edges) if (e.to.node === id) queue.push(e.from.node);
  }
  return parts;
}

/** Modules have parameters or hold sources; what only carries tensors between them is not worth a letter. */
function isShown(graph: Graph, id: NodeId, typeOf: TypeOf): boolean {
  const type = graph.nodes[id]?.type;
  const info = type === undefined ? undefined : typeOf(type);
  return (
    info === undefined || info.peft !== undefined || info.bank || info.family === 'custom' || type === 'compose.average'
  );
}

/** Nodes that a module brought along and that nothing else uses. */
export const helpersOf = withHelpers;

export interface CellContext {
  readonly document: Document;
  readonly grid: Grid;
  readonly typeOf: TypeOf;
  readonly letters: ReadonlyMap<string, string>;
  readonly problems: readonly Diagnostic[];
}

/** The cells of a row by layer; the cell of a row outside of stacks stands under -1. */
export function cellsOfRow(context: CellContext, row: Row): ReadonlyMap<number, Cell> {
  const cells = new Map<number, CellModule[]>();
  for (const anchor of row.anchors.values()) {
    const range = stackAt(context.document, anchor.graph);
    for (const module of modulesAt(context.document, row, anchor, context.typeOf)) {
      const layers = module.layers ?? [OUTSIDE];
      for (const layer of layers) {
        const list = cells.get(layer);
        const made = cellModule(context, module, range, layer);
        if (list) list.push(made);
        else cells.set(layer, [made]);
      }
    }
  }
  return cells;
}

/** The column of what is outside of the stacks. */
export const OUTSIDE = -1;

function cellModule(
  { document, typeOf, letters, problems }: CellContext,
  { anchor, id, node }: AttachedModule,
  range: LayerRange | undefined,
  layer: number,
): CellModule {
  const info = typeOf(node.type);
  const letter = letters.get(node.type) ?? '?';
  const main = mainParam(info);
  const value =
    main === undefined ? undefined : valueOf(document, node, main, info?.params[main]?.default, range, layer);
  const path = [...anchor.graph.path, id].join('/');
  return {
    anchor,
    node: id,
    type: node.type,
    letter,
    label: value === undefined ? letter : `${letter}${String(value)}`,
    muted: range === undefined ? node.mute === true : mutedLayers(node, range).has(layer),
    override: range !== undefined && hasOverride(document, node, range, layer),
    source: info?.bank === true && info.peft === undefined,
    problem: problems.some(
      (d) =>
        d.severity === 'error' &&
        d.where.model === anchor.graph.model &&
        d.where.node !== undefined &&
        withoutLayers(d.where.node).join('/') === path &&
        (d.where.layer === undefined || d.where.layer === layer),
    ),
  };
}

/** The value of a parameter in a layer: the node's, its recipe's, or the type's own. */
export function valueOf(
  document: Document,
  node: Node,
  name: string,
  fallback: PlainValue | undefined,
  range: LayerRange | undefined,
  layer: number,
): PlainValue | undefined {
  const held = effectiveParams(document, node)[name];
  if (held === undefined) return fallback;
  return range === undefined ? stackValue(held) : valueAt(held, layer, range);
}

export function hasOverride(document: Document, node: Node, range: LayerRange, layer: number): boolean {
  return Object.values(effectiveParams(document, node)).some(
    (value) =>
      isLayered(value) &&
      overridesOf(value, range).get(layer) !== undefined &&
      overridesOf(value, range).get(layer) !== value.all,
  );
}

/** What a cell says to somebody who cannot see it. */
export function cellWords(cell: Cell, titleOfType: (type: string) => string): string {
  if (cell.length === 0) return 'frozen';
  return cell
    .map((m) => {
      const marks = [
        m.override ? 'own value in this layer' : '',
        m.muted ? 'muted' : '',
        m.problem ? 'has a problem' : '',
      ];
      const number = m.label.slice(m.letter.length);
      return [`${titleOfType(m.type)}${number === '' ? '' : ` ${number}`}`, ...marks.filter((w) => w !== '')].join(
        ', ',
      );
    })
    .join('; ');
}

/** `L8*`, as it is printed in a cell. */
export const cellText = (cell: Cell): string =>
  cell.map((m) => `${m.muted ? '~' : ''}${m.label}${m.override ? '*' : ''}${m.problem ? '!' : ''}`).join(' ');

/** The node with its selection of layers; `all` is not written. */
export function withLayers(node: Node, selection: string): Node {
  const { layers: _before, ...rest } = node;
  return selection === 'all' ? rest : { ...rest, layers: selection };
}
