/** The flat Programs of a model, made by the one pipeline of passes: a training step, evaluation, prediction. */
import { differentiate } from '../autodiff/gradient.ts';
import { BATCH, type CompiledModel } from '../compile/model.ts';
import { evaluateDim, symbol, type SymbolBindings } from '../ir/dim.ts';
import type { Program } from '../ir/program.ts';
import { byteSize } from '../ir/types.ts';
import type { Differentiated } from '../passes/flat.ts';
import { splitAtFrontier, type CachedValue, type FrontierOptions } from '../passes/frontier.ts';
import { dropFrozenDropout } from '../passes/frozenDropout.ts';
import { inlineProgram } from '../passes/inline.ts';
import { PACK_INDEX, packTokens } from '../passes/packing.ts';
import { inputKinds } from '../passes/perExample.ts';
import { runPipeline, type PipelineOptions, type PipelineResult } from '../passes/pipeline.ts';
import { PACK_STARTS, selectRows } from '../passes/rowSelection.ts';
import type { Document } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';
import { modelGraphs } from '../protocol/walk.ts';
import type { FrontierPlan } from '../trainer/frontierCache.ts';
import { entryFn, keepResults } from '../trainer/programs.ts';

export interface ProgramOptions {
  /** Dropout in frozen layers below the first module: `off` changes what is trained. */
  readonly frozenDropout: 'keep' | 'off';
  /** Keep the streams that enter every n-th reversible layer; undefined: only the first. */
  readonly keepEvery?: number;
}

/** What the stacks of a model say about reversible layers: the smallest interval, since it holds for all of them. */
export function keepEveryOf(document: Document, model: ModelId): Pick<ProgramOptions, 'keepEvery'> {
  const given = modelGraphs(document)
    .filter((g) => g.model === model)
    .flatMap((g) => Object.values(g.graph.nodes))
    .flatMap((n) => (n.stack && typeof n.params['keepEvery'] === 'number' ? [n.params['keepEvery']] : []));
  return given.length === 0 ? {} : { keepEvery: Math.min(...given) };
}

const USUAL: ProgramOptions = { frozenDropout: 'keep' };

export const trainablesOf = (compiled: CompiledModel): readonly string[] =>
  compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);

/** The phases of a training step, or of a forward pass when the model was compiled for evaluation or trains nothing. */
export function pipelineOptions(
  compiled: CompiledModel,
  training: boolean,
  options: ProgramOptions = USUAL,
): PipelineOptions {
  const wrt = trainablesOf(compiled);
  const names = new Set(wrt);
  const trains = training && wrt.length > 0 && compiled.losses.length > 0;
  return {
    packing: packTokens,
    rowSelection: selectRows,
    ...(training && options.frozenDropout === 'off' ? { frozenDropout: (p) => dropFrozenDropout(p, names) } : {}),
    ...(trains ? { backward: (p): Differentiated => differentiate(p, { of: 'objective', wrt }) } : {}),
    ...(options.keepEvery === undefined ? {} : { recomputation: { keepEvery: options.keepEvery } }),
  };
}

/** With `objective`, `loss/...` and `grad/...`. */
export function trainingProgram(compiled: CompiledModel, options: ProgramOptions = USUAL): Program {
  return keepResults(runPipeline(compiled.program, pipelineOptions(compiled, true, options)).program, () => true);
}

/** Losses and outputs of a model that was compiled for evaluation. */
export const evaluationProgram = (compiled: CompiledModel): Program =>
  forwardOf(compiled, (name) => name !== 'objective' && !name.startsWith('tap/'));

/** The outputs alone: reads no labels. */
export const predictionProgram = (compiled: CompiledModel): Program =>
  forwardOf(compiled, (name) => name.startsWith('output/'));

/** What is not wanted goes before the passes, so that rows that only it reads are not computed. */
function forwardOf(compiled: CompiledModel, keep: (name: string) => boolean): Program {
  const wanted = keepResults(inlineProgram(compiled.program), keep);
  return keepResults(runPipeline(wanted, pipelineOptions(compiled, false)).program, keep);
}

export interface CacheRequest {
  /** Sizes of a usual batch: examples, padded length, real tokens. */
  readonly sizes: { readonly batch: number; readonly length: number; readonly tokens: number };
  /** Tokens and examples of the whole data. */
  readonly all: { readonly examples: number; readonly tokens: number };
  readonly budgetBytes: number;
}

/** From most reuse to least memory: what a byte must save in FLOPs. */
const EXCHANGES = [16, 1000] as const;

/** The training step cut where frozen values of an example can be kept; undefined when nothing is worth it. */
export function trainingFrontier(
  compiled: CompiledModel,
  options: ProgramOptions,
  request: CacheRequest,
): FrontierPlan | undefined {
  const made = (flopsPerByte: number): PipelineResult =>
    runPipeline(compiled.program, {
      ...pipelineOptions(compiled, true, options),
      frontier: (program) => frontierOptions(program, request, flopsPerByte),
    });
  const plans = EXCHANGES.map((flopsPerByte) => () => planOf(made(flopsPerByte)));
  return firstThatFits(plans, request);
}

/** The same for evaluation. */
export function evaluationFrontier(program: Program, request: CacheRequest): FrontierPlan | undefined {
  const whole = { program, backwardStart: entryFn(program).body.length, cotangents: new Map() };
  const plans = EXCHANGES.map((flopsPerByte) => (): FrontierPlan | undefined => {
    const split = splitAtFrontier(whole, frontierOptions(program, request, flopsPerByte));
    return split && { prefix: split.prefix, rest: split.rest.program, cached: split.cached };
  });
  return firstThatFits(plans, request);
}

function planOf({ program, prefix, cached }: PipelineResult): FrontierPlan | undefined {
  if (!prefix || cached.length === 0) return undefined;
  return { prefix: keepResults(prefix, () => true), rest: keepResults(program, () => true), cached };
}

/** The first plan whose values fit the budget, else the last one: the examples that don't fit are computed again. */
function firstThatFits(
  plans: readonly (() => FrontierPlan | undefined)[],
  request: CacheRequest,
): FrontierPlan | undefined {
  let last: FrontierPlan | undefined;
  for (const make of plans) {
    const plan = make();
    if (plan && cacheBytes(plan.cached, request) <= request.budgetBytes) return plan;
    last = plan ?? last;
  }
  return last;
}

const bindingsOf = ({ batch, length, tokens }: CacheRequest['sizes']): SymbolBindings =>
  new Map([
    ['B', batch],
    ['T', length],
    ['N', tokens],
  ]);

/** Bytes of the kept values of all examples. */
function cacheBytes(cached: readonly CachedValue[], { sizes, all }: CacheRequest): number {
  const bindings = bindingsOf(sizes);
  return cached.reduce((n, { type, unit, axis }) => {
    const units = evaluateDim(type.shape[axis] ?? 1, bindings);
    return n + (byteSize(type, bindings) / units) * (unit === 'example' ? all.examples : all.tokens);
  }, 0);
}

function frontierOptions(program: Program, { sizes }: CacheRequest, flopsPerByte: number): FrontierOptions {
  const axes = { batch: BATCH, rows: symbol('N'), indices: [PACK_INDEX, PACK_STARTS] };
  return { inputs: inputKinds(entryFn(program), axes), sizes: bindingsOf(sizes), flopsPerByte };
}
