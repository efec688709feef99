/** The stages of a model's compilation, each with its Program: what `espalier inspect` prints. */
import { UserError } from '../base/errors.ts';
import { differentiate } from '../autodiff/gradient.ts';
import type { Program } from '../ir/program.ts';
import { inlineProgram } from '../passes/inline.ts';
import { packTokens } from '../passes/packing.ts';
import { selectRows } from '../passes/rowSelection.ts';
import type { ModelId } from '../protocol/ids.ts';
import { Checker } from './check.ts';
import type { LoadedDocument } from './loadDocument.ts';
import type { Toolkit } from './toolkit.ts';

export interface ProgramStage {
  readonly name: string;
  readonly program: Program;
}

export const stageNames = (stages: readonly ProgramStage[]): readonly string[] => stages.map((s) => s.name);

/** All stages of one model, in order. Throws a `UserError` when the model cannot be compiled. */
export function programStages(
  loaded: LoadedDocument,
  model: ModelId,
  toolkit: Toolkit,
  training: boolean,
): readonly ProgramStage[] {
  const { compiled, diagnostics } = new Checker(loaded, toolkit, {}).compile(model, training);
  if (!compiled) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
  const stages: ProgramStage[] = [{ name: 'trace', program: compiled.program }];
  const add = (name: string, program: Program): Program => {
    stages.push({ name, program });
    return program;
  };
  const inlined = add('inline', inlineProgram(compiled.program));
  const rows = add('rows', selectRows(add('pack', packTokens(inlined))));
  const wrt = compiled.parameters.filter((p) => p.role === 'trainable').map((p) => p.name);
  if (training && wrt.length > 0) add('backward', differentiate(rows, { of: 'objective', wrt }).program);
  return stages;
}
