/**
 * The board of a model's canvas: follows the editor's state, keeps the scene and the nodes of React Flow beside it, and
 * turns what React Flow reports (moves, selections) into edits. None of this runs inside React.
 */
import { applyNodeChanges, type EdgeChange, type NodeChange } from '@xyflow/react';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { graphViewOf, withGraphView, type GraphView, type Point } from '../../../engine/protocol/view.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import type { Editor, EditorState } from '../../state/editor.ts';
import type { Selection } from '../../state/place.ts';
import { indexCatalog, NO_TYPES } from '../model/catalog.ts';
import { guidesFor } from '../model/arrange.ts';
import { figuresOf } from '../model/figures.ts';
import {
  flowEdges,
  flowNodes,
  isCard,
  routeFlow,
  type FlowEdge,
  type FlowNode,
  type GraphPlaces,
} from '../model/flow.ts';
import { layoutScene, type Laid } from '../model/layoutGraph.ts';
import { roomIn } from '../model/room.ts';
import { EMPTY_SCENE, makeScene } from '../model/scene.ts';
import type { Scene } from '../model/sceneTypes.ts';
import { makeWorkflowScene } from '../model/workflowScene.ts';
import { stepFactsOf } from './stepFacts.ts';
import type { CanvasStore } from './canvasState.ts';
import { createLayouter, LayoutCancelled } from './layouter.ts';
import { carryGroups, graphOf, growParents, inColumns, keyOf, sameItems, samePlaces } from './moving.ts';

export interface BoardState {
  readonly scene: Scene;
  readonly nodes: readonly FlowNode[];
  readonly edges: readonly FlowEdge[];
  /** Whether all nodes have places; nothing is drawn before. */
  readonly ready: boolean;
  /** Counts layouts of the whole, after which the view is fitted. */
  readonly fits: number;
}

export interface Board {
  readonly level: 'model' | 'workflow';
  readonly store: StoreApi<BoardState>;
  onNodesChange(changes: readonly NodeChange<FlowNode>[]): void;
  onEdgesChange(changes: readonly EdgeChange<FlowEdge>[]): void;
  /** Writes where the moved nodes stand now; the rest of their graphs with them, when the document has no places yet. */
  commitMove(ids: readonly string[], label: string, merge?: string): void;
  /** Places of all nodes of a graph as drawn. */
  placesOf(graph: string): Readonly<Record<string, Point>>;
  /** Places as the document and the last layout have them, whatever is being dragged. */
  placesBefore(graph: string): Readonly<Record<string, Point>>;
  tidy(only?: string): Promise<void>;
  cancelLayout(): void;
  start(): () => void;
}

const NONE: ReadonlySet<string> = new Set();
/** Larger graphs have plain curves: ways around cards would cost more than they show at that zoom. */
const MOST_ROUTED = 1200;

export function createBoard(editor: Editor, canvas: CanvasStore, level: Board['level']): Board {
  const store = createStore<BoardState>(() => ({ scene: EMPTY_SCENE, nodes: [], edges: [], ready: false, fits: 0 }));
  const layouter = createLayouter();
  /** Places from layouts, by model and graph; the document's own come first. */
  let laid: Record<string, GraphPlaces> = {};
  let laying: string | undefined;
  /** Where every card was found to have its room. */
  let roomy = { laid, view: undefined as Document['view'], nodes: EMPTY_SCENE.nodes };
  let routed: {
    readonly scene: Scene;
    readonly nodes: readonly FlowNode[];
    readonly via: ReadonlyMap<string, number>;
  } = {
    scene: EMPTY_SCENE,
    nodes: [],
    via: new Map(),
  };

  const view = (document: Document, graph: string): GraphView => graphViewOf(document, graph);
  const places = (document: Document, graph: string): GraphPlaces => {
    if (canvas.getState().dragging) return board.placesOf(graph);
    const own = view(document, graph).positions;
    const other = laid[graph];
    return other === undefined ? own : Object.keys(own).length === 0 ? other : { ...other, ...own };
  };

  /** Whether a graph must be laid out: nothing of it has a place, or a new window finds places of a few nodes only. */
  const lacksPlaces = (scene: Scene, document: Document, graph: string): boolean => {
    const known = places(document, graph);
    const nodes = scene.nodes.filter((n) => n.graph === graph);
    const without = nodes.filter((n) => known[n.node] === undefined).length;
    return without === nodes.length ? without > 0 : laid[graph] === undefined && without > nodes.length / 2;
  };

  const derive = (state: EditorState): void => {
    const { document, catalog, place, check, selection } = state;
    const model = place.model;
    if (!document || !catalog || place.level !== level) return;
    const types = catalog ? indexCatalog(catalog) : NO_TYPES;
    const before = store.getState();
    const scene =
      level === 'workflow'
        ? makeWorkflowScene({ document, types, facts: stepFactsOf(state) }, before.scene)
        : model === undefined
          ? EMPTY_SCENE
          : makeScene(
              {
                document,
                model,
                types,
                figures: figuresOf(check, model),
                layer: place.layer,
                asWires: canvas.getState().asWires,
              },
              before.scene,
            );
    const unplaced = new Set([...scene.graphs.keys()].filter((g) => lacksPlaces(scene, document, g)));
    if (unplaced.size > 0) {
      void layout(scene, document, (g) => unplaced.has(g));
      // Nothing is drawn before it has its place: the first look at a graph is never at a makeshift row.
      if (!before.ready) {
        store.setState({ scene, nodes: [], edges: [], ready: false });
        return;
      }
    }
    makeRoom(scene, document);
    draw(scene, document, selection);
  };

  /** Cards that grow push down what lies below, where a layout alone has said the places and nobody has. */
  const makeRoom = (scene: Scene, document: Document): void => {
    if (canvas.getState().dragging) return;
    // A selection or a finding makes no card grow.
    if (roomy.laid === laid && roomy.view === document.view && sameItems(roomy.nodes, scene.nodes)) return;
    const isLaid = (graph: string): boolean =>
      laid[graph] !== undefined && Object.keys(view(document, graph).positions).length === 0;
    laid = { ...laid, ...roomIn(scene, (graph) => places(document, graph), isLaid) };
    roomy = { laid, view: document.view, nodes: scene.nodes };
  };

  const draw = (scene: Scene, document: Document, selection: Selection): void => {
    const before = store.getState();
    const chosen = new Set<string>(selection.nodes);
    const wires = new Set(selection.edges);
    const folded = new Map<string, ReadonlySet<string>>();
    const nodes = flowNodes(
      {
        scene,
        places: (g) => places(document, g),
        isSelected: (g, n) => g === selection.graph && chosen.has(n),
        isEdgeSelected: (g, e) => g === selection.graph && wires.has(e),
        groups: (g) => view(document, g).groups,
        notes: (g) => view(document, g).notes,
        folded: (g) => {
          const known =
            folded.get(g) ?? (view(document, g).collapsed.length === 0 ? NONE : new Set(view(document, g).collapsed));
          folded.set(g, known);
          return known;
        },
      },
      before.nodes,
    );
    const hidden = new Set(nodes.filter((n) => n.hidden === true).map((n) => n.id));
    if (
      scene !== routed.scene ||
      (nodes !== routed.nodes && !canvas.getState().dragging && !samePlaces(routed.nodes, nodes))
    ) {
      routed = { scene, nodes, via: nodes.length > MOST_ROUTED ? new Map() : routeFlow(scene, nodes) };
    }
    const edges = flowEdges(
      scene,
      (g, e) => g === selection.graph && wires.has(e),
      (n) => hidden.has(n),
      (e) => routed.via.get(e.id),
      before.edges,
    );
    store.setState({
      scene,
      nodes: sameItems(before.nodes, nodes) ? before.nodes : nodes,
      edges: sameItems(before.edges, edges) ? before.edges : edges,
      ready: true,
    });
  };

  const layout = async (scene: Scene, document: Document, only: (graph: string) => boolean): Promise<void> => {
    const key = [...scene.graphs.keys()].filter(only).join('|');
    if (laying === key) return;
    laying = key;
    const drawn = placesNow();
    const show = setTimeout(() => canvas.setState({ layout: { done: 0, of: scene.graphs.size } }), 250);
    try {
      const result = await layoutScene(scene, layouter.run, {
        only,
        kept: (n) => places(document, n.graph)[n.node] ?? drawn.get(n.id),
        progress: (p) => {
          if (canvas.getState().layout) canvas.setState({ layout: p });
        },
      });
      remember(result, only);
      const now = editor.store.getState();
      if (now.document && now.place.level === level) {
        const wasReady = store.getState().ready;
        derive(now);
        if (!wasReady) store.setState((s) => ({ fits: s.fits + 1 }));
      }
    } catch (error) {
      if (!(error instanceof LayoutCancelled)) throw error;
      // What has no place yet stands in columns, so that a cancelled layout still shows everything.
      for (const graph of scene.graphs.keys()) if (only(graph)) laid[graph] = inColumns(scene, graph);
      derive(editor.store.getState());
      store.setState((s) => ({ fits: s.fits + 1 }));
    } finally {
      clearTimeout(show);
      laying = undefined;
      canvas.setState({ layout: undefined });
    }
  };

  const remember = (result: Laid, only: (graph: string) => boolean): void => {
    for (const [graph, found] of Object.entries(result.positions)) if (only(graph)) laid = { ...laid, [graph]: found };
  };

  const placesNow = (): Map<string, Point> => new Map(store.getState().nodes.map((n) => [n.id, n.position]));

  const board: Board = {
    level,
    store,
    onNodesChange: (changes) => {
      const moves = changes.filter((c) => c.type === 'position' && c.position !== undefined);
      const selects = changes.filter((c) => c.type === 'select');
      if (moves.length > 0) {
        const before = store.getState().nodes;
        guide(moves, before);
        const moved = applyNodeChanges(moves, before as FlowNode[]);
        store.setState({ nodes: growParents(carryGroups(moved, before, moves)) });
      }
      if (selects.length > 0) select(selects);
    },
    onEdgesChange: (changes) => {
      const selects = changes.filter((c) => c.type === 'select');
      if (selects.length === 0) return;
      const { selection } = editor.store.getState();
      const { scene } = store.getState();
      const edges = new Map(scene.edges.map((e) => [e.id, e]));
      const chosen = new Set(selection.edges);
      let graph = selection.graph;
      let nodes = selection.nodes;
      for (const c of selects) {
        const e = c.type === 'select' ? edges.get(c.id) : undefined;
        if (c.type !== 'select' || !e) continue;
        if (c.selected) {
          if (e.graph !== graph) {
            graph = e.graph;
            chosen.clear();
            nodes = [];
          }
          chosen.add(e.edge);
        } else if (e.graph === graph) chosen.delete(e.edge);
      }
      editor.select({ graph, nodes, edges: [...chosen] });
    },
    commitMove: (ids, label, merge) => {
      const { nodes } = store.getState();
      const byId = new Map(nodes.map((n) => [n.id, n]));
      const moved = ids.flatMap((id) => byId.get(id) ?? []);
      editor.edit(
        label,
        (document) => {
          let next = document;
          const graphs = new Set(moved.filter(isCard).map((n) => n.data.scene.graph));
          for (const graph of graphs) {
            next = withGraphView(next, graph, (v) => ({
              ...v,
              positions: { ...v.positions, ...board.placesOf(graph) },
            }));
          }
          for (const n of moved) {
            if (n.type !== 'note') continue;
            const { graph, key } = n.data;
            next = withGraphView(next, graph, (v) => {
              const note = v.notes[key];
              return note === undefined ? v : { ...v, notes: { ...v.notes, [key]: { ...note, ...n.position } } };
            });
          }
          return next;
        },
        merge === undefined ? {} : { merge },
      );
    },
    placesOf: (graph) =>
      Object.fromEntries(
        store.getState().nodes.flatMap((n) => {
          if (!isCard(n) || n.data.scene.graph !== graph) return [];
          return [[n.data.scene.node, { x: Math.round(n.position.x), y: Math.round(n.position.y) }] as const];
        }),
      ),
    placesBefore: (graph) => {
      const { document } = editor.store.getState();
      return document ? places(document, graph) : {};
    },
    tidy: async (only) => {
      const { document } = editor.store.getState();
      const { scene } = store.getState();
      if (!document) return;
      const drawn = placesNow();
      canvas.setState({ layout: { done: 0, of: scene.graphs.size } });
      try {
        const result = await layoutScene(scene, layouter.run, {
          ...(only === undefined ? {} : { only: (g: string) => g === only }),
          kept: (n) => drawn.get(n.id),
          progress: (p) => canvas.setState({ layout: p }),
        });
        editor.edit('Tidy up', (d) =>
          Object.entries(result.positions).reduce(
            (next, [graph, found]) => withGraphView(next, graph, (v) => ({ ...v, positions: found })),
            d,
          ),
        );
        store.setState((s) => ({ fits: s.fits + 1 }));
      } catch (error) {
        if (!(error instanceof LayoutCancelled)) throw error;
      } finally {
        canvas.setState({ layout: undefined });
      }
    },
    cancelLayout: () => layouter.cancel(),
    start: () => {
      derive(editor.store.getState());
      const offs = [
        editor.store.subscribe((now, before) => {
          if (
            now.document !== before.document ||
            now.catalog !== before.catalog ||
            now.check !== before.check ||
            now.place !== before.place ||
            now.selection !== before.selection ||
            (level === 'workflow' && now.runs !== before.runs)
          ) {
            derive(now);
          }
        }),
        canvas.subscribe((now, before) => {
          if (now.asWires !== before.asWires) derive(editor.store.getState());
        }),
      ];
      return () => {
        for (const off of offs) off();
        layouter.cancel();
      };
    },
  };

  /** Lines up a card that is dragged alone with its neighbours, by changing where it goes. */
  const guide = (moves: readonly NodeChange<FlowNode>[], before: readonly FlowNode[]): void => {
    const [only] = moves;
    if (moves.length !== 1 || only?.type !== 'position' || only.position === undefined || !canvas.getState().dragging)
      return;
    const held = before.find((n) => n.id === only.id);
    if (!held || !isCard(held)) return;
    const others = before.flatMap((n) =>
      isCard(n) && n.id !== held.id && n.parentId === held.parentId
        ? [{ ...n.position, width: n.width ?? 0, height: n.height ?? 0 }]
        : [],
    );
    const box = { ...only.position, width: held.width ?? 0, height: held.height ?? 0 };
    const found = guidesFor(box, others);
    only.position = { x: box.x + found.by.x, y: box.y + found.by.y };
    const parent = held.parentId;
    const guides = found.guides.map((g) => (parent === undefined ? g : { ...g, parent }));
    if (guides.length > 0 || canvas.getState().guides.length > 0) canvas.setState({ guides });
  };

  const select = (changes: readonly NodeChange<FlowNode>[]): void => {
    const { selection } = editor.store.getState();
    const { nodes } = store.getState();
    const byId = new Map(nodes.map((n) => [n.id, n]));
    let { graph } = selection;
    const chosen = new Set<string>(selection.nodes);
    const shownGraph = new Set(nodes.map(graphOf));
    if (!shownGraph.has(graph)) chosen.clear();
    for (const c of changes) {
      const n = c.type === 'select' ? byId.get(c.id) : undefined;
      if (c.type !== 'select' || !n) continue;
      if (c.selected) {
        if (graphOf(n) !== graph) {
          graph = graphOf(n);
          chosen.clear();
        }
        chosen.add(keyOf(n));
      } else if (graphOf(n) === graph) chosen.delete(keyOf(n));
    }
    editor.select({ graph, nodes: [...chosen] as NodeId[], edges: chosen.size === 0 ? selection.edges : [] });
  };
  return board;
}
