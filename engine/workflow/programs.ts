/** The flat Programs of a model: one optimizer step's gradients, and evaluation. */
import { differentiate } from '../autodiff/gradient.ts';
import type { CompiledModel } from '../compile/model.ts';
import type { Program } from '../ir/program.ts';
import { inlineProgram } from '../passes/inline.ts';
import { packTokens } from '../passes/packing.ts';
import { selectRows } from '../passes/rowSelection.ts';
import { keepResults } from '../trainer/programs.ts';

const forward = (program: Program): Program => selectRows(packTokens(inlineProgram(program)));

/** With `objective`, `loss/...` and `grad/...`. */
export function trainingProgram(compiled: CompiledModel): Program {
  const wrt = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  return keepResults(differentiate(forward(compiled.program), { of: 'objective', wrt }).program, () => true);
}

/** Losses and outputs of a model that was compiled for evaluation. */
export const evaluationProgram = (compiled: CompiledModel): Program =>
  keepResults(forward(compiled.program), (name) => name !== 'objective' && !name.startsWith('tap/'));

/** The outputs alone: reads no labels. */
export const predictionProgram = (compiled: CompiledModel): Program =>
  keepResults(forward(compiled.program), (name) => name.startsWith('output/'));
