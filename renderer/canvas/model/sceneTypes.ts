/** The data of what is drawn. Everything here is plain, so that two scenes can be compared. */
import type { AnyGraph } from '../../../engine/protocol/document.ts';
import type { GraphAddress } from '../../../engine/protocol/edit.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import type { Severity } from '../../../engine/base/errors.ts';
import type { Racks } from './attachments.ts';
import type { ShownLayer } from './layers.ts';
import type { PortGlyph } from './ports.ts';

export interface CardPort {
  readonly name: string;
  readonly kind: string;
  readonly side: 'in' | 'out';
  readonly doc: string;
  readonly optional: boolean;
  readonly wired: boolean;
  readonly glyph?: PortGlyph;
  /** Its name on the level above, when it is promoted there. */
  readonly promoted?: string;
  readonly shape?: string;
}

export interface Problem {
  readonly severity: Severity;
  readonly text: string;
}

/** A module docked on a card. */
export interface Chip {
  readonly id: NodeId;
  readonly type: string;
  readonly title: string;
  readonly settings: string;
  readonly family: string;
  readonly ghost: boolean;
  readonly muted: boolean;
  readonly override: boolean;
  readonly layers: string;
  /** How many sets of parameters it has, and whether one set is shared on purpose. */
  readonly sets: number;
  readonly shared: boolean;
  readonly recipe?: string;
  readonly letter?: string;
  readonly users?: number;
  readonly trainable: number;
  readonly port: string;
  readonly inputs: readonly { readonly name: string; readonly kind: string }[];
  readonly problems: readonly Problem[];
}

export interface StackFace {
  readonly repeat: number;
  readonly first: number;
  readonly layer: ShownLayer;
  readonly wallIn: readonly CardPort[];
  readonly wallOut: readonly CardPort[];
  readonly nodes: number;
}

export interface Face {
  readonly title: string;
  readonly subtitle: string;
  readonly type: string;
  readonly family: string;
  readonly state: 'frozen' | 'trainable' | 'plain' | 'unknown' | 'stack';
  readonly help: string;
  readonly ghost: boolean;
  readonly muted: boolean;
  readonly override: boolean;
  readonly layers: string;
  readonly recipe: string;
  readonly chips: readonly Chip[];
  readonly formula: string;
  readonly problems: readonly Problem[];
  readonly trainableCount: number;
  readonly frozenCount: number;
  readonly stack?: StackFace | undefined;
  readonly hasRack: boolean;
  readonly collapsed: boolean;
  /** Number of sources of a bank card; -1 when the node is none. */
  readonly bank: number;
  /** Of a step: how it stands with it. */
  readonly status?: { readonly state: string; readonly words: string };
  /** Of a for-each container: its table. */
  readonly items?: readonly { readonly name: string; readonly muted: boolean; readonly words: string }[];
}

/** A port with its place on the card: the middle of what is drawn. */
export interface PlacedPort extends CardPort {
  /** The id of the handle: the port's name, `$in.x` and `$out.x` at walls, `chip.port` on a chip. */
  readonly id: string;
  /** Whether wires leave here, seen by the drawing: a wall's `$in` gives although it stands on the left. */
  readonly type: 'source' | 'target';
  readonly at: 'left' | 'right' | 'top' | 'bottom';
  readonly x: number;
  readonly y: number;
  readonly label: boolean;
}

export interface SceneNode {
  /** The path of the node in its model. */
  readonly id: string;
  readonly node: NodeId;
  readonly graph: string;
  readonly parent?: string;
  readonly kind: 'card' | 'stack';
  readonly face: Face;
  readonly width: number;
  /** Of a stack: before its body is placed. */
  readonly height: number;
  readonly ports: readonly PlacedPort[];
  /** Room below the body of a container, for its table. */
  readonly footer?: number;
  /** Where the rack begins, from the top. */
  readonly rackTop: number;
}

export interface SceneEdge {
  readonly id: string;
  readonly graph: string;
  readonly edge: string;
  readonly from: string;
  readonly fromPort: string;
  readonly to: string;
  readonly toPort: string;
  readonly kind: string;
  readonly shape?: string;
  /** How many sources a thick wire carries. */
  readonly count?: number;
}

export interface SceneGraph {
  readonly address: GraphAddress;
  readonly graph: AnyGraph;
  readonly racks: Racks;
}

export interface Scene {
  readonly nodes: readonly SceneNode[];
  readonly edges: readonly SceneEdge[];
  readonly byId: ReadonlyMap<string, SceneNode>;
  readonly graphs: ReadonlyMap<string, SceneGraph>;
}
