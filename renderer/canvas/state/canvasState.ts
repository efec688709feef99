/** The state of one canvas that is not in the document: what floats above it, and what is switched on. */
import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { must } from '../../../engine/base/errors.ts';
import type { ProbeView } from '../../../engine/protocol/api/check.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { LayoutProgress } from '../model/layoutGraph.ts';
import type { Detail } from '../model/lod.ts';

export interface ScreenPoint {
  readonly x: number;
  readonly y: number;
}

/** The search for what to add: in the void, on a wire's loose end, or on the selection. */
export interface QuickAddState {
  readonly mode: 'add' | 'attach';
  readonly screen: ScreenPoint;
  /** Where a node would stand, in the graph that is meant. */
  readonly graph: string;
  readonly at: ScreenPoint;
  /** The port whose wire was dropped. */
  readonly from?: { readonly node: NodeId; readonly port: string; readonly side: 'in' | 'out' };
  /** Types to offer first; a text that is in the field already. */
  readonly text?: string;
}

export interface MenuState {
  readonly screen: ScreenPoint;
  readonly on:
    | { readonly kind: 'canvas'; readonly graph: string; readonly at: ScreenPoint }
    | { readonly kind: 'node'; readonly id: string }
    | { readonly kind: 'chip'; readonly id: string; readonly chip: NodeId }
    | { readonly kind: 'edge'; readonly id: string }
    | { readonly kind: 'port'; readonly id: string; readonly port: string; readonly side: 'in' | 'out' }
    | { readonly kind: 'selection' };
}

export interface ProbeState {
  readonly screen: ScreenPoint;
  readonly title: string;
  readonly node: string;
  readonly result: ProbeView | undefined;
  readonly failed: string | undefined;
}

export interface HalvesState {
  /** The card over which something is held, and the half that is meant. */
  readonly id: string;
  readonly half: 'series' | 'parallel' | 'rack';
}

export interface CanvasState {
  readonly detail: Detail;
  readonly asWires: boolean;
  readonly snap: boolean;
  readonly minimap: boolean;
  readonly layout: LayoutProgress | undefined;
  readonly quickAdd: QuickAddState | undefined;
  readonly menu: MenuState | undefined;
  readonly probe: ProbeState | undefined;
  readonly find: boolean;
  /** Nodes that a search has found, in order, and the one that is shown. */
  readonly found: readonly string[];
  /** The wire that a held node would be spliced into. */
  readonly splice: string | undefined;
  readonly halves: HalvesState | undefined;
  readonly guides: readonly Guide[];
  /** Title of a node or group, or text of a note, that is being written. */
  readonly writing: string | undefined;
  readonly wiring: boolean;
  /** A drag is going on: what costs much waits. */
  readonly dragging: boolean;
}

export interface Guide {
  readonly axis: 'x' | 'y';
  readonly at: number;
  readonly from: number;
  readonly to: number;
  /** The container in whose coordinates the numbers are. */
  readonly parent?: string;
}

export const START: CanvasState = {
  detail: 'full',
  asWires: false,
  snap: true,
  minimap: true,
  layout: undefined,
  quickAdd: undefined,
  menu: undefined,
  probe: undefined,
  find: false,
  found: [],
  splice: undefined,
  halves: undefined,
  guides: [],
  writing: undefined,
  wiring: false,
  dragging: false,
};

export type CanvasStore = StoreApi<CanvasState>;
export const createCanvasStore = (): CanvasStore => createStore<CanvasState>(() => START);

const CanvasContext = createContext<CanvasStore | undefined>(undefined);
export const CanvasProvider = CanvasContext.Provider;
export const useCanvas = (): CanvasStore => must(useContext(CanvasContext), 'the component is inside a canvas');
export const useCanvasState = <T>(select: (state: CanvasState) => T): T => useStore(useCanvas(), select);
