/** Sizes of cards and the places of their ports, on the grid of 8. Known without drawing, so that culling works. */
import type { CardPort, Face, PlacedPort } from './sceneTypes.ts';

export const GRID = 8;
export const HEAD = 56;
export const PORT_ROW = 24;
export const CHIP_ROW = 32;
export const FORMULA_ROW = 24;
/** Room around the body of a stack: rails left and right, the head above. */
export const STACK = { head: 56, rail: 96, bottom: 32, top: 32, railRow: 40 } as const;

export const onGrid = (x: number): number => Math.ceil(x / GRID) * GRID;
export const snapped = (x: number): number => Math.round(x / GRID) * GRID;

export interface CardSize {
  readonly width: number;
  readonly height: number;
  readonly ports: readonly PlacedPort[];
  readonly rackTop: number;
}

/** A promoted port needs its name, which is the way to its other end. */
const isPromoted = (p: CardPort): boolean => p.glyph === 'promoted';

/** Ports that are about the card rather than the flow stand below: racks of transforms, scale and shift. */
const isAside = (p: CardPort): boolean => (p.kind === 'transform' || p.kind === 'affine') && !isPromoted(p);
const isBelow = (p: CardPort): boolean => p.side === 'in' && isAside(p);
const isAbove = (p: CardPort): boolean => p.side === 'out' && isAside(p);

export function cardOf(face: Face, inputs: readonly CardPort[], outputs: readonly CardPort[]): CardSize {
  const open = face.stack !== undefined && !face.collapsed;
  if (open) return stackCard(face, inputs, outputs);
  const left = inputs.filter((p) => !isBelow(p));
  const right = outputs.filter((p) => !isAbove(p));
  const isPlain = left.length <= 1 && right.length <= 1 && ![...left, ...right].some(isPromoted);
  const rows = isPlain ? 0 : Math.max(left.length, right.length);
  const width = rows > 0 || face.hasRack || face.chips.length > 0 || face.stack !== undefined ? 240 : 200;
  const rackTop = HEAD + (rows > 0 ? rows * PORT_ROW + 8 : 0);
  const rack = face.chips.length === 0 ? 0 : face.chips.length * CHIP_ROW + (face.formula === '' ? 0 : FORMULA_ROW) + 8;
  const height = onGrid(face.collapsed && face.stack === undefined ? HEAD : rackTop + rack);
  const folded = face.collapsed && face.stack === undefined;
  const y = (i: number): number => (isPlain || folded ? HEAD / 2 : HEAD + i * PORT_ROW + PORT_ROW / 2);
  const ports: PlacedPort[] = [
    ...left.map((p, i) => place(p, 'target', 'left', 0, y(i), !isPlain && !folded)),
    ...right.map((p, i) => place(p, 'source', 'right', width, y(i), !isPlain && !folded)),
    ...spread(inputs.filter(isBelow), width).map(([p, x]) => place(p, 'target', 'bottom', x, height, false)),
    ...spread(outputs.filter(isAbove), width).map(([p, x]) => place(p, 'source', 'top', x, 0, false)),
    ...face.chips.flatMap((chip, i) =>
      chip.inputs.map((p): PlacedPort => {
        const port: CardPort = { ...p, side: 'in', doc: `${chip.title}: ${p.name}`, optional: true, wired: true };
        const at = folded ? HEAD / 2 : rackTop + i * CHIP_ROW + CHIP_ROW / 2;
        return { ...place(port, 'target', 'left', 0, at, false), id: `${chip.id}.${p.name}` };
      }),
    ),
  ];
  return { width, height, ports, rackTop };
}

const place = (
  p: CardPort,
  type: PlacedPort['type'],
  at: PlacedPort['at'],
  x: number,
  y: number,
  label: boolean,
): PlacedPort => ({ ...p, id: p.name, type, at, x, y, label });

/** Ports along an edge, each with its place. */
const spread = (ports: readonly CardPort[], width: number): (readonly [CardPort, number])[] =>
  ports.map((p, i) => [p, snapped(((i + 1) * width) / (ports.length + 1))] as const);

/** A container without its body: `grow` gives it the room that the body takes. */
function stackCard(face: Face, inputs: readonly CardPort[], outputs: readonly CardPort[]): CardSize {
  const rows = Math.max(inputs.length, outputs.length);
  const height = onGrid(STACK.head + rows * STACK.railRow + STACK.bottom);
  const width = onGrid(Math.max(480, STACK.rail * 2));
  return { width, height, rackTop: height, ports: railPorts(face, inputs, outputs, width) };
}

const railY = (i: number): number => STACK.head + 24 + i * STACK.railRow;

function railPorts(
  face: Face,
  inputs: readonly CardPort[],
  outputs: readonly CardPort[],
  width: number,
): readonly PlacedPort[] {
  const inner = (wall: '$in' | '$out', list: readonly CardPort[]): PlacedPort[] =>
    list.map((p, i) => ({
      ...place(
        p,
        wall === '$in' ? 'source' : 'target',
        wall === '$in' ? 'right' : 'left',
        wall === '$in' ? STACK.rail : width - STACK.rail,
        railY(i),
        false,
      ),
      id: `${wall}.${p.name}`,
    }));
  return [
    ...inputs.map((p, i) => place(p, 'target', 'left', 0, railY(i), true)),
    ...outputs.map((p, i) => place(p, 'source', 'right', width, railY(i), true)),
    ...inner('$in', face.stack?.wallIn ?? []),
    ...inner('$out', face.stack?.wallOut ?? []),
  ];
}

/** The ports of a container that is `width` wide: those of the right rail move with it. */
export const widened = (ports: readonly PlacedPort[], from: number, to: number): readonly PlacedPort[] =>
  from === to
    ? ports
    : ports.map((p) => (p.x === from ? { ...p, x: to } : p.id.startsWith('$out.') ? { ...p, x: to - STACK.rail } : p));

/** The size of a container whose body has this box, measured from the container's corner. */
export const grown = (
  card: { readonly width: number; readonly height: number; readonly footer?: number },
  body: { readonly right: number; readonly bottom: number },
): { readonly width: number; readonly height: number } => ({
  width: onGrid(Math.max(card.width, body.right + STACK.rail + 64)),
  height: onGrid(Math.max(card.height, body.bottom + STACK.bottom) + (card.footer ?? 0)),
});

/** Nodes of a body never lie under the head or the left rail. */
export const BODY_ORIGIN = { x: STACK.rail + 64, y: STACK.head + STACK.top } as const;
