/** The training step of a model as it will run, for predictions of cost. */
import { storage } from '../backends/onnx/capabilities.ts';
import { predictMemory } from '../backends/onnx/memory.ts';
import type { CompiledModel } from '../compile/model.ts';
import type { BatchSizes, TrainingStep } from '../compile/report.ts';
import { peakMemory } from '../passes/liveness.ts';
import { evaluateDim } from '../ir/dim.ts';
import { elementsOf } from '../ir/types.ts';
import { traceAdamW } from '../trainer/adamw.ts';
import { ROOM_ELEMENTS } from '../trainer/parameterStore.ts';
import { entryFn } from '../trainer/programs.ts';
import { trainablesOf, trainingProgram, type ProgramOptions } from './programs.ts';

/** The step, or undefined when nothing is trained. */
export function trainingStep(
  compiled: CompiledModel,
  sizes: BatchSizes,
  options: ProgramOptions,
): TrainingStep | undefined {
  if (trainablesOf(compiled).length === 0 || compiled.losses.length === 0) return undefined;
  const program = trainingProgram(compiled, options);
  const fn = entryFn(program);
  const first = fn.body.findIndex((instr) => isBackward(fn.values.get(instr.outputs[0] ?? (-1 as never))?.path));
  const bindings = new Map([
    ['B', sizes.batch],
    ['T', sizes.length],
    ['N', sizes.tokens],
  ]);
  // Liveness says where the peak is; how much the runtime holds then, its own allocator and the host's noise included, the backend.
  const memory = predictMemory(program, bindings);
  const bytes = memory.arena + memory.noise + memory.results;
  const peak = { ...peakMemory(fn, bindings, { storage }), bytes };
  const count = compiled.parameters
    .filter((p) => p.role === 'trainable')
    .reduce((n, p) => n + evaluateDim(elementsOf(p.type), bindings), 0);
  return {
    program,
    backwardStart: first < 0 ? fn.body.length : first,
    peak,
    optimizerBytes: optimizerBytes(count),
    runtimeBytes: memory.runtime,
  };
}

/** Bytes of a parameter store per element: values, gradients, two moments. */
const STORE_BYTES = 4 * 4;

/** What the optimizer holds for so many trainable numbers, with the room of its step and the arena of its update. */
function optimizerBytes(count: number): number {
  const room = Math.min(count, ROOM_ELEMENTS);
  const update = predictMemory(traceAdamW({ betas: [0.9, 0.999], epsilon: 1e-8 }), new Map([['P', room]]));
  return STORE_BYTES * count + 3 * 4 * room + update.arena + update.results;
}

/** Differentiation marks what it makes in the path. */
const isBackward = (path: string | undefined): boolean => path !== undefined && /(^|\/)backward$/.test(path);
