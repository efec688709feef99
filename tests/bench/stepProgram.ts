/** The flat Program of a training step as the trainer runs it: the one place of the benchmarks that names the passes. */
import type { CompiledModel } from '../../engine/compile/model.ts';
import type { Program } from '../../engine/ir/program.ts';
import { trainingProgram } from '../../engine/workflow/programs.ts';

export const stepProgram = (compiled: CompiledModel): Program => trainingProgram(compiled);
