/**
 * One optimizer step over a parameter store: the norm of the gradient, clipping, and the traced update of every span. The
 * norm is added up in float64 on the host, in the order of the buffer: exact to the last float32 digit, the same on every
 * device, and not finite exactly when a gradient is not. Nothing in the store changes unless the whole step succeeds.
 */
import { must } from '../base/errors.ts';
import type { Executable, HostTensor } from '../backends/executable.ts';
import { ADAMW } from './adamw.ts';
import { NO_NORMS, updateNorms, type Norms } from './norms.ts';
import type { ParameterStore, Span } from './parameterStore.ts';
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
  const { store, growth } = request;
  const spans = store.spans(growth).filter((span) => !span.frozen);
  const { next } = store;
  for (const span of spans) {
    const into = new Map([
      [ADAMW.parameters, vectorOf(span, next.values)],
      [ADAMW.first, vectorOf(span, next.first)],
      [ADAMW.second, vectorOf(span, next.second)],
    ]);
    await update.run(feedsOf(store, span, settings, request), into);
    const bad = firstNonFinite(next.values.subarray(span.begin, span.end));
    if (bad >= 0) return { ok: false, parameter: parameterAt(store, span.begin + bad) };
  }
  const moved = request.measure === true ? updateNorms(store, spans) : NO_NORMS;
  for (const { begin, end } of spans) {
    store.values.set(next.values.subarray(begin, end), begin);
    store.first.set(next.first.subarray(begin, end), begin);
    store.second.set(next.second.subarray(begin, end), begin);
  }
  return { ok: true, growth: afterStep(growth), moved };
}

function feedsOf(
  store: ParameterStore,
  span: Span,
  settings: OptimizerSettings,
  { step, schedule, scale }: StepRequest,
): ReadonlyMap<string, HostTensor> {
  const factor = rateFactorFrom(schedule, span.segment?.scheduleStart ?? 0, step);
  return new Map([
    [ADAMW.parameters, vectorOf(span, store.values)],
    [ADAMW.gradient, vectorOf(span, store.gradients)],
    [ADAMW.first, vectorOf(span, store.first)],
    [ADAMW.second, vectorOf(span, store.second)],
    [ADAMW.step, scalar((span.segment?.steps ?? step) + 1)],
    [ADAMW.rate, scalar(settings.learningRate * span.rateFactor * factor)],
    [ADAMW.decay, scalar(span.decay ? settings.weightDecay : 0)],
    [ADAMW.scale, scalar(scale)],
  ]);
}

const vectorOf = ({ begin, end }: Span, buffer: Float32Array): HostTensor => ({
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
