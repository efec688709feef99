/** Where the person is: level, model, view, layer; and what is selected there. */
import type { ModelId, NodeId } from '../../engine/protocol/ids.ts';

export type ModelView = 'graph' | 'matrix' | 'code';

export interface Place {
  readonly level: 'workflow' | 'model';
  readonly model?: ModelId;
  readonly view: ModelView;
  /** The layer that stack bodies show: all of them together, or one by its absolute number. */
  readonly layer: 'all' | number;
}

/** Selected nodes of one graph; `graph` is the text of its address (`main:layers`, `workflow:`). */
export interface Selection {
  readonly graph: string;
  readonly nodes: readonly NodeId[];
  /** Ids of wires as the canvas names them: `from.port->to.port`. */
  readonly edges: readonly string[];
}

export const NOTHING_SELECTED: Selection = { graph: '', nodes: [], edges: [] };

export type DrawerTab = 'problems' | 'data' | 'charts' | 'runs' | 'try' | 'log';
export type RailTab = 'add' | 'data' | 'runs' | 'try';
