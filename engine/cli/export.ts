/** `espalier export`: a model as readable code for another library. */
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { UserError } from '../base/errors.ts';
import { exportTorch } from '../backends/torch/export.ts';
import { Checker } from '../workflow/check.ts';
import { loadDocument } from '../workflow/loadDocument.ts';
import { jsonLine, line, requireNoErrors, type CommandContext } from './context.ts';
import { chooseModel } from './modelOption.ts';

interface ExportOptions {
  readonly to: 'torch';
  readonly out: string;
  readonly model?: string;
  readonly json?: boolean;
}

export function exportCommand(program: Command, context: CommandContext): void {
  program
    .command('export')
    .description('write a model as readable code')
    .argument('<file>')
    .addOption(new Option('--to <target>', 'the library').choices(['torch']).makeOptionMandatory())
    .requiredOption('--out <dir>', 'the folder to write to')
    .option('--model <name>', 'the model; default: main, or the first one')
    .option('--json', 'as one JSON object')
    .action((file: string, options: ExportOptions) => {
      const { loaded, diagnostics } = loadDocument(resolve(context.cwd, file), context.toolkit.registry);
      if (!loaded) throw new UserError(diagnostics);
      requireNoErrors(context, diagnostics, options.json === true);
      const { document } = loaded;
      const model = chooseModel(document, options.model, file);
      const { compiled, diagnostics: found } = new Checker(loaded, context.toolkit, {}).compile(model, true);
      requireNoErrors(context, found, options.json === true);
      if (!compiled) throw new UserError(found);
      const { firstPosition } = context.toolkit.textLimits(document, model);
      const files = exportTorch(compiled, resolve(context.cwd, options.out), { firstPosition });
      if (options.json) line(context.out, jsonLine({ files }));
      else for (const path of files) line(context.out, path);
    });
}
