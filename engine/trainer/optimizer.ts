/**
 * One optimizer step over a parameter store: the norm of the gradient, clipping, and the traced update of every span. The
 * norm is added up in float64 on the host, in the order of the buffer: exact to the last float32 digit, the same on every
 * device, and not finite exactly when a gradient is not. Nothing in the store changes unless the whole step succeeds: what it
 * makes is held back until all of it is known to be finite. Where that is more than the store's room, every part is made
 * twice, first to look and then to keep: the time of an update is small beside that of its gradients, its memory is not.
 */
import { must } from '../base/errors.ts';
import type { Executable, HostTensor } from '../backends/executable.ts';
import { ADAMW } from './adamw.ts';
import { NO_NORMS, UpdateNorms, type Norms } from './norms.ts';
import { ROOM_ELEMENTS, type ParameterStore, type Span } from './parameterStore.ts';
import { rateFactorFrom, type Schedule } from './schedule.ts';
import { afterStep, type Growth } from './segments.ts';

export interface OptimizerSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Largest norm of the gradient of all parameters; absent: no clipping. */
  readonly clip?: number;
}

/** Above this norm the squares in Adam's second moment would leave float32. */
const LARGEST_NORM = 1e18;
/** Added to the norm by PyTorch's `clip_grad_norm_`. */
const CLIP_EPSILON = 1e-6;

/** Euclidean norm of the gradients that are used, before any scale. NaN or infinite when one of them is. */
export function gradientNorm(store: ParameterStore, spans: readonly Span[]): number {
  const { gradients } = store;
  let squares = 0;
  for (const { begin, end, frozen } of spans) {
    if (frozen) continue;
    for (let i = begin; i < end; i++) squares += (gradients[i] as number) * (gradients[i] as number);
  }
  return Math.sqrt(squares);
}

export const isUsableNorm = (norm: number): boolean => norm <= LARGEST_NORM;

/** Factor of the gradient that brings its norm to at most `clip`, as PyTorch computes it. */
export const clipFactor = (norm: number, clip: number | undefined): number =>
  clip === undefined ? 1 : Math.min(1, clip / (norm + CLIP_EPSILON));

export interface StepRequest {
  readonly store: ParameterStore;
  readonly growth: Growth;
  /** Optimizer steps done before this one. */
  readonly step: number;
  readonly schedule: Schedule;
  /** Factor of the accumulated gradients: clipping and the division by the loss's weight. */
  readonly scale: number;
  /** Asks for how far each parameter moves. */
  readonly measure?: boolean;
}

export type StepResult =
  /** `moved` is empty unless it was asked for. */
  | { readonly ok: true; readonly growth: Growth; readonly moved: Norms }
  /** The update would have made this parameter NaN or infinite; the store is as it was. */
  | { readonly ok: false; readonly parameter: string };

/** Runs the update. `update` is the compiled Program of `adamw.ts`. */
export async function optimizerStep(
  update: Executable,
  settings: OptimizerSettings,
  request: StepRequest,
): Promise<StepResult> {
  const { store, growth, measure } = request;
  const groups = groupParts(store.spans(growth).filter((span) => !span.frozen));
  /** Makes a group in the room; gives the index of an element that is not finite, -1 when there is none. */
  const make = async (group: readonly Part[]): Promise<number> => {
    for (const part of group) {
      await update.run(feedsOf(store, part, settings, request), placesOf(store, part));
      const bad = firstNonFinite(store.room.values.subarray(part.at, part.at + part.end - part.begin));
      if (bad >= 0) return part.begin + bad;
    }
    return -1;
  };
  const norms = measure === true ? new UpdateNorms(store) : undefined;
  for (const group of groups.length > 1 ? groups : []) {
    const bad = await make(group);
    if (bad >= 0) return { ok: false, parameter: parameterAt(store, bad) };
  }
  for (const group of groups) {
    const bad = await make(group);
    if (bad >= 0) return { ok: false, parameter: parameterAt(store, bad) };
    for (const part of group) {
      norms?.add(part);
      keep(store, part);
    }
  }
  return { ok: true, growth: afterStep(growth), moved: norms?.all() ?? NO_NORMS };
}

/** Elements `begin` to `end` of the buffers, all of one span; `at` is their place in the room. */
export interface Part {
  readonly span: Span;
  readonly begin: number;
  readonly end: number;
  readonly at: number;
}

/** Spans cut into parts that fit the room, in groups of those that fit it together. */
function groupParts(spans: readonly Span[]): readonly (readonly Part[])[] {
  const groups: Part[][] = [];
  let left = 0;
  for (const span of spans) {
    for (let begin = span.begin; begin < span.end;) {
      if (left === 0) {
        groups.push([]);
        left = ROOM_ELEMENTS;
      }
      const end = Math.min(span.end, begin + left);
      groups[groups.length - 1]?.push({ span, begin, end, at: ROOM_ELEMENTS - left });
      left -= end - begin;
      begin = end;
    }
  }
  return groups;
}

function keep({ room, values, first, second }: ParameterStore, { begin, end, at }: Part): void {
  const made = at + end - begin;
  values.set(room.values.subarray(at, made), begin);
  first.set(room.first.subarray(at, made), begin);
  second.set(room.second.subarray(at, made), begin);
}

function feedsOf(
  store: ParameterStore,
  { span, begin, end }: Part,
  settings: OptimizerSettings,
  { step, schedule, scale }: StepRequest,
): ReadonlyMap<string, HostTensor> {
  const factor = rateFactorFrom(schedule, span.segment?.scheduleStart ?? 0, step);
  return new Map([
    [ADAMW.parameters, vectorOf(store.values, begin, end)],
    [ADAMW.gradient, vectorOf(store.gradients, begin, end)],
    [ADAMW.first, vectorOf(store.first, begin, end)],
    [ADAMW.second, vectorOf(store.second, begin, end)],
    [ADAMW.step, scalar((span.segment?.steps ?? step) + 1)],
    [ADAMW.rate, scalar(settings.learningRate * span.rateFactor * factor)],
    [ADAMW.decay, scalar(span.decay ? settings.weightDecay : 0)],
    [ADAMW.scale, scalar(scale)],
  ]);
}

/** Where the results of a part are put. */
function placesOf({ room }: ParameterStore, { begin, end, at }: Part): ReadonlyMap<string, HostTensor> {
  const made = at + end - begin;
  return new Map([
    [ADAMW.parameters, vectorOf(room.values, at, made)],
    [ADAMW.first, vectorOf(room.first, at, made)],
    [ADAMW.second, vectorOf(room.second, at, made)],
  ]);
}

const vectorOf = (buffer: Float32Array, begin: number, end: number): HostTensor => ({
  dtype: 'f32',
  shape: [end - begin],
  data: buffer.subarray(begin, end),
});

/** A number as a feed. */
export const scalar = (value: number): HostTensor => ({ dtype: 'f32', shape: [], data: Float32Array.of(value) });

/** Index of the first NaN or infinity, -1 when there is none. */
export function firstNonFinite(data: Float32Array): number {
  // The sum of x - x is 0 unless an element is NaN or infinite: one fast pass in the ordinary case.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) - (data[i] as number);
  return sum === 0 ? -1 : data.findIndex((x) => !Number.isFinite(x));
}

/** Name of the parameter that holds an element of the buffers. */
export const parameterAt = (store: ParameterStore, index: number): string =>
  must(
    store.pieces.find((p) => index >= p.offset && index < p.offset + p.length),
    `element ${index} belongs to a parameter`,
  ).name;
