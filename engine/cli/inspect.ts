/** `espalier inspect`: a model's Program as text, as it was traced or after a pass. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../base/errors.ts';
import { printProgram } from '../ir/print.ts';
import { loadDocument } from '../workflow/loadDocument.ts';
import { programStages, stageNames } from '../workflow/programStages.ts';
import { chooseModel } from './modelOption.ts';
import { line, requireNoErrors, type CommandContext } from './context.ts';

export function inspectCommand(program: Command, context: CommandContext): void {
  program
    .command('inspect')
    .description("print a model's Program at a stage of the compiler")
    .argument('<file>')
    .option('--pass <name>', 'the stage; default: the Program as it was traced')
    .option('--model <name>', 'the model; default: the first one of the document')
    .option('--eval', 'the Program of evaluation instead of training')
    .option('--list', 'list the stages')
    .action((file: string, options: { pass?: string; model?: string; eval?: boolean; list?: boolean }) => {
      const { loaded, diagnostics } = loadDocument(resolve(context.cwd, file), context.toolkit.registry);
      if (!loaded) throw new UserError(diagnostics);
      requireNoErrors(context, diagnostics, false);
      const model = chooseModel(loaded.document, options.model, file);
      const stages = programStages(loaded, model, context.toolkit, options.eval !== true);
      if (options.list) {
        for (const name of stageNames(stages)) line(context.out, name);
        return;
      }
      const wanted = options.pass ?? stageNames(stages)[0];
      const stage = stages.find((s) => s.name === wanted);
      if (!stage) {
        throw new UserError({
          code: 'pass-unknown',
          severity: 'error',
          where: { param: 'pass' },
          message: 'There is no such stage.',
          found: options.pass ?? '',
          fix: `Name one of ${stageNames(stages).join(', ')}.`,
        });
      }
      context.out(printProgram(stage.program));
    });
}
