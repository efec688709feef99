/** What the canvas that is shown offers to commands. */
import type { NodeId } from '../../engine/protocol/ids.ts';
import type { CanvasState } from './state/canvasState.ts';

export type AlignTo = 'left' | 'centre' | 'right' | 'top' | 'middle' | 'bottom';

export interface CanvasHandle {
  readonly level: 'model' | 'workflow';
  readonly get: () => CanvasState;
  readonly set: (change: Partial<CanvasState>) => void;
  zoomBy(factor: number): void;
  zoomTo(zoom: number): void;
  /** Shows all nodes, or those with these ids of the canvas. */
  fit(ids?: readonly string[]): void;
  /** Lays out the graph of the selection, or all graphs, and keeps the result. */
  tidy(): Promise<void>;
  cancelLayout(): void;
  /** Opens the search for what to add, at a point of the screen or in the middle. */
  quickAdd(mode: 'add' | 'attach'): void;
  /** Puts a node of a type beside what is selected and wires it where that is plain. */
  add(type: string): void;
  focusNode(graph: string, node: NodeId): void;
  /** Sizes and places as drawn, for aligning. */
  boxes(graph: string, nodes: readonly NodeId[]): ReadonlyMap<NodeId, Box>;
  /** Positions of all nodes of a graph as drawn. */
  positions(graph: string): Readonly<Record<string, { readonly x: number; readonly y: number }>>;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
