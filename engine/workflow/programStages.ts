/** The stages of a model's compilation, each with its Program: what `espalier inspect` prints. */
import { UserError } from '../base/errors.ts';
import type { Program } from '../ir/program.ts';
import { runPipeline } from '../passes/pipeline.ts';
import type { ModelId } from '../protocol/ids.ts';
import { Checker } from './check.ts';
import type { LoadedDocument } from './loadDocument.ts';
import { pipelineOptions } from './programs.ts';
import type { Toolkit } from './toolkit.ts';

export interface ProgramStage {
  readonly name: string;
  readonly program: Program;
}

export const stageNames = (stages: readonly ProgramStage[]): readonly string[] => stages.map((s) => s.name);

/** The Program as it was traced, and after each pass. Throws a `UserError` when the model cannot be compiled. */
export function programStages(
  loaded: LoadedDocument,
  model: ModelId,
  toolkit: Toolkit,
  training: boolean,
): readonly ProgramStage[] {
  const checker = new Checker(loaded, toolkit, {});
  const { compiled, diagnostics } = checker.compile(model, training);
  if (!compiled) throw new UserError(diagnostics.filter((d) => d.severity === 'error'));
  const { stages } = runPipeline(compiled.program, pipelineOptions(compiled, training, checker.programOptions(model)));
  return [
    { name: 'trace', program: compiled.program },
    ...stages.map(({ phase, program }) => ({ name: phase, program })),
  ];
}
