/**
 * Norms of single parameters, for people: how large the gradient of each is and how far an optimizer step moves it. They
 * are read from buffers that a step has anyway and change nothing that is trained. They are told in some steps only; which
 * ones follows from the step alone, so that the log of a resumed run equals that of an uninterrupted one.
 */
import type { ParameterStore, Span } from './parameterStore.ts';
import type { RunPlan } from './settings.ts';

/** By the name under which a step tells it among its taps: `gradient/PATH`, `update/PATH`. */
export type Norms = ReadonlyMap<string, number>;
export const NO_NORMS: Norms = new Map();

/** A run tells about this many norms: enough for a figure that moves, little enough for files, events and the page. */
const MOST_FIGURES = 20_000;
/** One more step lies between two told ones for each so many elements, so that reading them costs next to nothing. */
const ELEMENTS_A_STEP = 2 ** 21;

/** Whether the norms of optimizer step `step`, counted from 1, are told. */
export function normsDue(step: number, { steps }: Pick<RunPlan, 'steps'>, store: ParameterStore): boolean {
  const figures = 2 * store.slots.length * steps;
  const interval = Math.max(1, Math.ceil(figures / MOST_FIGURES), Math.ceil(store.size / ELEMENTS_A_STEP));
  return step === 1 || step % interval === 0 || step === steps;
}

/** Norm of the mean gradient of each parameter that trains, before clipping. `scale` makes gradients of the store means. */
export function gradientNorms({ gradients, pieces }: ParameterStore, spans: readonly Span[], scale: number): Norms {
  const sums = new Map<string, number>();
  for (const { begin, end, frozen } of spans) {
    if (frozen) continue;
    for (const { name, offset, length } of pieces) {
      if (offset < begin || offset >= end) continue;
      // A parameter that grows has several pieces.
      sums.set(name, (sums.get(name) ?? 0) + squares(gradients, offset, offset + length) * scale * scale);
    }
  }
  return rooted('gradient/', sums);
}

/** How far an optimizer step moves each parameter, added up from the parts that it makes before it keeps them. */
export class UpdateNorms {
  readonly #store: ParameterStore;
  readonly #sums = new Map<string, number>();

  constructor(store: ParameterStore) {
    this.#store = store;
  }

  /** Elements `begin` to `end` as they are and, from `at` on in the room, as the step makes them. */
  add({ begin, end, at }: { readonly begin: number; readonly end: number; readonly at: number }): void {
    const { pieces, values, room } = this.#store;
    for (const { name, offset, length } of pieces) {
      const from = Math.max(begin, offset);
      const to = Math.min(end, offset + length);
      if (from >= to) continue;
      const made = room.values.subarray(at + from - begin, at + to - begin);
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + squaresBetween(made, values.subarray(from, to)));
    }
  }

  all(): Norms {
    return rooted('update/', this.#sums);
  }
}

/** Six digits: what people read, in short lines. */
const rooted = (prefix: string, squares: ReadonlyMap<string, number>): Norms =>
  new Map([...squares].map(([name, sum]) => [`${prefix}${name}`, Number(Math.sqrt(sum).toPrecision(6))]));

function squares(x: Float32Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += (x[i] as number) * (x[i] as number);
  return sum;
}

function squaresBetween(x: Float32Array, y: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const d = (x[i] as number) - (y[i] as number);
    sum += d * d;
  }
  return sum;
}
