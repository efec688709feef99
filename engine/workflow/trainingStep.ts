/** The training step of a model as flat Program, for predictions of cost. What runs it is the trainer's. */
import { must } from '../base/errors.ts';
import { differentiate } from '../autodiff/gradient.ts';
import type { CompiledModel } from '../compile/model.ts';
import type { BatchSizes, TrainingStep } from '../compile/report.ts';
import { inlineProgram } from '../passes/inline.ts';
import { peakMemory } from '../passes/liveness.ts';
import { packTokens } from '../passes/packing.ts';
import { selectRows } from '../passes/rowSelection.ts';

/** The step, or undefined when nothing is trained. */
export function trainingStep(compiled: CompiledModel, sizes: BatchSizes): TrainingStep | undefined {
  const wrt = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  if (wrt.length === 0 || compiled.losses.length === 0) return undefined;
  const forward = selectRows(packTokens(inlineProgram(compiled.program)));
  const { program, backwardStart } = differentiate(forward, { of: 'objective', wrt });
  const bindings = new Map([
    ['B', sizes.batch],
    ['T', sizes.length],
    ['N', sizes.tokens],
  ]);
  const peak = peakMemory(must(program.functions.get(program.entry), 'the entry exists'), bindings);
  return { program, backwardStart, peak };
}
