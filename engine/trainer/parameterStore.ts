/**
 * The trainable parameters of a run and what the optimizer keeps of them, in four flat buffers: values, gradients, and the
 * two moments. Pieces (a parameter, or one segment of a parameter that grows) that the optimizer treats alike stand side by
 * side and form a span, so an optimizer step is one call per span. A parameter of one piece is a view into the buffer.
 *
 * Invariant: pieces cover the buffers without gap or overlap; spans do too, in the same order.
 */
import { BugError, must } from '../base/errors.ts';
import type { HostTensor } from '../backends/executable.ts';
import { isStatic, type Dim } from '../ir/dim.ts';
import { axisSize, firstSegment, type Growth, type Segment } from './segments.ts';

/** What is known of a trainable parameter before it has values. */
export interface Slot {
  readonly name: string;
  /** At most one axis is a symbol: the one that grows. */
  readonly shape: readonly Dim[];
  readonly decay: boolean;
  /** Whether it has a gradient; one that nothing reads keeps its values. */
  readonly trained: boolean;
  /** Factor of the learning rate, 1 unless a method says otherwise (LoRA+). */
  readonly rateFactor: number;
}

/** A parameter, or one segment of it. */
export interface Piece {
  readonly name: string;
  readonly segment: number;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/** Neighbouring pieces that the optimizer treats alike: elements `begin` to `end` of the buffers. */
export interface Span {
  readonly begin: number;
  readonly end: number;
  readonly decay: boolean;
  readonly rateFactor: number;
  /** The optimizer leaves it as it is. */
  readonly frozen: boolean;
  /** Of a segment that grew; undefined where those of the run count. */
  readonly segment: Pick<Segment, 'steps' | 'scheduleStart'> | undefined;
}

/** The most elements that an optimizer step updates at a time, so that what it makes stays small beside the buffers. */
export const ROOM_ELEMENTS = 2 ** 20;

/** Room for values and moments that an optimizer step has made and not yet kept: of `ROOM_ELEMENTS` at most. */
export interface Room {
  readonly values: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

interface Planned {
  readonly slot: Slot;
  /** Of the axis that grows. */
  readonly symbol: string | undefined;
  readonly segment: Segment | undefined;
  readonly shape: readonly number[];
}

export class ParameterStore {
  readonly slots: readonly Slot[];
  readonly pieces: readonly Piece[];
  readonly size: number;
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  #room: Room | undefined;
  /** The spans of a store in which nothing grows: they never change. */
  #fixedSpans: readonly Span[] | undefined;
  readonly #byName: ReadonlyMap<string, readonly Piece[]>;
  readonly #planned: readonly Planned[];

  /** Buffers of zeros for the given sizes. */
  constructor(slots: readonly Slot[], growth: Growth) {
    this.slots = slots;
    this.#planned = slots
      .flatMap((slot) => plan(slot, growth))
      .map((p, i) => ({ p, i }))
      .sort((a, b) => compare(spanKey(a.p), spanKey(b.p)) || a.i - b.i)
      .map(({ p }) => p);
    let offset = 0;
    this.pieces = this.#planned.map(({ slot, segment, shape }) => {
      const length = shape.reduce((n, d) => n * d, 1);
      const piece = { name: slot.name, segment: segment?.id ?? 0, shape, offset, length };
      offset += length;
      return piece;
    });
    this.size = offset;
    this.values = new Float32Array(offset);
    this.gradients = new Float32Array(offset);
    this.first = new Float32Array(offset);
    this.second = new Float32Array(offset);
    const byName = new Map<string, Piece[]>();
    for (const piece of this.pieces) byName.set(piece.name, [...(byName.get(piece.name) ?? []), piece]);
    for (const parts of byName.values()) parts.sort((a, b) => a.segment - b.segment);
    this.#byName = byName;
  }

  /** Made when the first step needs it and used again by each. */
  get room(): Room {
    const zeros = (): Float32Array => new Float32Array(Math.min(this.size, ROOM_ELEMENTS));
    this.#room ??= { values: zeros(), first: zeros(), second: zeros() };
    return this.#room;
  }

  /** The spans as they are for `growth`, which must have the segments that the store was made for. */
  spans(growth: Growth): readonly Span[] {
    if (growth.size > 0) return this.#spansFor(growth);
    this.#fixedSpans ??= this.#spansFor(growth);
    return this.#fixedSpans;
  }

  #spansFor(growth: Growth): readonly Span[] {
    const spans: (Span & { readonly key: readonly number[] })[] = [];
    this.#planned.forEach((planned, i) => {
      const { slot, symbol } = planned;
      const piece = this.pieces[i] as Piece;
      const now =
        symbol === undefined ? undefined : must(growth.get(symbol), symbol).find((s) => s.id === piece.segment);
      const key = spanKey({ ...planned, segment: now });
      const last = spans[spans.length - 1];
      const end = piece.offset + piece.length;
      if (last && compare(last.key, key) === 0) spans[spans.length - 1] = { ...last, end };
      else
        spans.push({
          begin: piece.offset,
          end,
          decay: slot.decay,
          rateFactor: slot.rateFactor,
          frozen: now?.frozen === true || !slot.trained,
          segment: now,
          key,
        });
    });
    return spans;
  }

  /** All parameters as a Program takes them. Parameters of one piece are views: they change with the next step. */
  feeds(): ReadonlyMap<string, HostTensor> {
    return new Map(this.slots.map((slot) => [slot.name, this.tensor(slot.name, this.values)]));
  }

  /** One parameter out of one of the buffers. */
  tensor(name: string, buffer: Float32Array): HostTensor {
    const parts = must(this.#byName.get(name), `parameter "${name}"`);
    const [only] = parts;
    if (parts.length === 1 && only)
      return { dtype: 'f32', shape: only.shape, data: buffer.subarray(only.offset, only.offset + only.length) };
    return concatenate(
      parts.map((p) => ({ shape: p.shape, data: buffer.subarray(p.offset, p.offset + p.length) })),
      this.#axisOf(name),
    );
  }

  /** Whether the parameter is one piece, and so a view into the buffers. */
  isWhole(name: string): boolean {
    return must(this.#byName.get(name), `parameter "${name}"`).length === 1;
  }

  /** Puts one whole parameter into a buffer, or adds it to what is there. */
  write(name: string, tensor: HostTensor, buffer: Float32Array, mode: 'set' | 'add'): void {
    const parts = must(this.#byName.get(name), `parameter "${name}"`);
    const data = tensor.data as Float32Array;
    const total = parts.reduce((n, p) => n + p.length, 0);
    if (data.length !== total) throw new BugError(`"${name}" has ${total} elements, got ${data.length}`);
    const [only] = parts;
    if (parts.length === 1 && only) {
      put(buffer, only.offset, data, mode);
      return;
    }
    const pieces = splitAlong(data, parts, this.#axisOf(name));
    parts.forEach((p, i) => put(buffer, p.offset, pieces[i] as Float32Array, mode));
  }

  /** The symbol of the axis along which a parameter grows; undefined for one that does not. */
  axisSymbol(name: string): string | undefined {
    return growingAxis(this.#slot(name))?.symbol;
  }

  #axisOf(name: string): number {
    return must(growingAxis(this.#slot(name)), `"${name}" of several pieces grows`).axis;
  }

  #slot(name: string): Slot {
    return must(
      this.slots.find((s) => s.name === name),
      `parameter "${name}"`,
    );
  }

  /** Values and moments of every piece that `from` has too. */
  copyFrom(from: ParameterStore): void {
    for (const piece of this.pieces) {
      const known = from.pieces.find((p) => p.name === piece.name && p.segment === piece.segment);
      if (!known) continue;
      for (const [to, source] of [
        [this.values, from.values],
        [this.first, from.first],
        [this.second, from.second],
      ] as const)
        to.set(source.subarray(known.offset, known.offset + known.length), piece.offset);
    }
  }
}

/** Growing axes of a run at its start, one segment each. */
export function initialGrowth(slots: readonly Slot[], sizes: ReadonlyMap<string, number>): Growth {
  const growth = new Map<string, readonly Segment[]>();
  for (const slot of slots) {
    const symbol = growingAxis(slot)?.symbol;
    if (symbol !== undefined) growth.set(symbol, [firstSegment(must(sizes.get(symbol), `the size of "${symbol}"`))]);
  }
  return growth;
}

/** The axis of a slot that may grow, and its symbol. */
export function growingAxis({ name, shape }: Slot): { readonly axis: number; readonly symbol: string } | undefined {
  const growing = shape.flatMap((d, axis) => (isStatic(d) ? [] : [{ axis, symbol: String(d) }]));
  if (growing.length > 1) throw new BugError(`"${name}" [${shape.join(',')}] grows along more than one axis`);
  return growing[0];
}

function plan(slot: Slot, growth: Growth): Planned[] {
  const growing = growingAxis(slot);
  if (!growing) return [{ slot, symbol: undefined, segment: undefined, shape: slot.shape as readonly number[] }];
  const segments = must(growth.get(growing.symbol), `the segments of "${growing.symbol}"`);
  if (axisSize(segments) < 1) throw new BugError(`"${slot.name}" has no elements left`);
  return segments.map((segment) => ({
    slot,
    symbol: growing.symbol,
    segment,
    shape: slot.shape.map((d, axis) => (axis === growing.axis ? segment.size : (d as number))),
  }));
}

/** Equal for pieces that one call of the optimizer may update together. */
const spanKey = ({ slot, segment }: Planned): readonly number[] => [
  slot.decay ? 0 : 1,
  slot.rateFactor,
  segment?.frozen === true || !slot.trained ? 1 : 0,
  segment?.steps ?? -1,
  segment?.scheduleStart ?? -1,
];

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}

function put(buffer: Float32Array, offset: number, data: Float32Array, mode: 'set' | 'add'): void {
  if (mode === 'set') buffer.set(data, offset);
  else for (let i = 0; i < data.length; i++) buffer[offset + i] = (buffer[offset + i] as number) + (data[i] as number);
}

interface Part {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const product = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);

function concatenate(parts: readonly Part[], axis: number): HostTensor {
  const shape = (parts[0] as Part).shape.map((d, i) =>
    i === axis ? parts.reduce((n, p) => n + p.shape[axis]!, 0) : d,
  );
  const data = new Float32Array(product(shape));
  const outer = product(shape.slice(0, axis));
  const row = product(shape.slice(axis));
  let at = 0;
  for (const part of parts) {
    const run = part.data.length / outer;
    for (let o = 0; o < outer; o++) data.set(part.data.subarray(o * run, (o + 1) * run), o * row + at);
    at += run;
  }
  return { dtype: 'f32', shape, data };
}

function splitAlong(data: Float32Array, parts: readonly Piece[], axis: number): Float32Array[] {
  const outer = product((parts[0] as Piece).shape.slice(0, axis));
  const row = data.length / outer;
  let at = 0;
  return parts.map((part) => {
    const run = part.length / outer;
    const out = new Float32Array(part.length);
    for (let o = 0; o < outer; o++) out.set(data.subarray(o * row + at, o * row + at + run), o * run);
    at += run;
    return out;
  });
}
