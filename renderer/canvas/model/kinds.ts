/** How each kind of port and wire looks: colour, shape of the port, dash of the wire. Colour never stands alone. */

export type PortShape = 'circle' | 'ring' | 'diamond' | 'square' | 'double' | 'target' | 'bar' | 'cylinder';

export interface KindLook {
  readonly words: string;
  /** Name of a custom property of the page. */
  readonly colour: string;
  readonly shape: PortShape;
  /** `stroke-dasharray`; missing for a solid line. */
  readonly dash?: string;
  readonly width: number;
}

const LOOKS: ReadonlyMap<string, KindLook> = new Map<string, KindLook>([
  ['tensor', { words: 'tensor', colour: '--text2', shape: 'circle', width: 1.5 }],
  ['tokens', { words: 'tokens', colour: '--data', shape: 'cylinder', width: 1.5 }],
  ['sources', { words: 'sources', colour: '--text2', shape: 'bar', width: 4 }],
  ['transform', { words: 'transform', colour: '--transform', shape: 'diamond', width: 1.5 }],
  ['affine', { words: 'scale and shift', colour: '--affine', shape: 'square', dash: '5 4', width: 1.5 }],
  ['kv', { words: 'keys and values', colour: '--kv', shape: 'double', dash: '1.5 4', width: 2 }],
  ['loss', { words: 'loss', colour: '--error', shape: 'target', dash: '8 4 2 4', width: 1.5 }],
  ['dataset', { words: 'data', colour: '--data', shape: 'cylinder', width: 1.5 }],
  ['column', { words: 'column', colour: '--data', shape: 'cylinder', width: 1.5 }],
  ['template', { words: 'template', colour: '--data', shape: 'square', width: 1.5 }],
  ['backbone', { words: 'backbone', colour: '--frozen', shape: 'square', width: 1.5 }],
  ['model', { words: 'model', colour: '--text2', shape: 'circle', width: 1.5 }],
  ['adapter', { words: 'adapter', colour: '--trainable', shape: 'diamond', width: 1.5 }],
  ['metrics', { words: 'metrics', colour: '--affine', shape: 'square', dash: '5 4', width: 1.5 }],
  ['file', { words: 'file', colour: '--text2', shape: 'square', width: 1.5 }],
]);

const OTHER: KindLook = { words: 'unknown', colour: '--disabled', shape: 'ring', dash: '3 3', width: 1.5 };

export const lookOf = (kind: string): KindLook => LOOKS.get(kind) ?? OTHER;
export const kindWords = (kind: string): string => LOOKS.get(kind)?.words ?? kind;

/** Whether a value of one kind may flow into a port of another. A source bank is many tensors. */
export const kindFits = (from: string, to: string): boolean =>
  from === to || from === 'any' || to === 'any' || (from === 'sources' && to === 'tensor');
