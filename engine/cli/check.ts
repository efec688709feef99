/** `espalier check`: every finding about a document and its data at once, and what its models cost. Nothing is run. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { UserError } from '../base/errors.ts';
import { checkModels, type CheckedModel } from '../workflow/check.ts';
import { checkData } from '../workflow/checkData.ts';
import { loadDocument } from '../workflow/loadDocument.ts';
import {
  bytesText,
  countText,
  hasErrors,
  jsonLine,
  line,
  printDiagnostics,
  tableText,
  EXIT,
  type CommandContext,
} from './context.ts';

export function checkCommand(program: Command, context: CommandContext, exit: (code: number) => void): void {
  program
    .command('check')
    .description('check a document and its data, and tell what its models cost')
    .argument('<file>')
    .option('--json', 'as one JSON object')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { loaded, sound, diagnostics } = loadDocument(resolve(context.cwd, file), context.toolkit.registry);
      if (!loaded) throw new UserError(diagnostics);
      const checked = sound ? checkModels(loaded, context.toolkit) : { models: [], diagnostics: [] };
      const ofData = sound ? await checkData(loaded, context.toolkit) : [];
      const all = [...diagnostics, ...checked.diagnostics, ...ofData];
      if (json) {
        const models = checked.models.map(({ step, model, report }) => ({ step, model, ...report }));
        line(context.out, jsonLine({ ok: !hasErrors(all), diagnostics: all, models }));
      } else {
        printDiagnostics(context, all);
        for (const model of checked.models) printModel(context, model);
        if (!hasErrors(all)) line(context.out, 'The document is sound.');
      }
      if (hasErrors(all)) exit(EXIT.input);
    });
}

function printModel(context: CommandContext, { model, step, report }: CheckedModel): void {
  const { totals, sizes } = report;
  const of = step === undefined ? '' : ` (step "${step}")`;
  line(context.out, `Model "${model}"${of}, for batches of ${sizes.batch} x ${sizes.length} tokens`);
  const rows = report.nodes.map((n) => [
    n.node,
    String(n.copies),
    n.output,
    countText(n.frozen),
    countText(n.trainable),
    countText(n.flops),
    bytesText(n.keptBytes),
  ]);
  line(context.out, tableText(['node', 'layers', 'gives', 'frozen', 'trainable', 'FLOPs', 'kept'], rows, [0, 2]));
  line(context.out, '');
  const trainable = report.trainable.map((t) => [t.name, t.shape, String(t.count), t.decay ? 'yes' : 'no']);
  line(context.out, tableText(['trainable parameter', 'shape', 'numbers', 'decays'], trainable, [0, 1]));
  line(context.out, '');
  const share = totals.parameters === 0 ? 0 : (100 * totals.trainable) / totals.parameters;
  line(
    context.out,
    `trainable       ${totals.trainable} of ${totals.parameters} parameters (${share.toPrecision(3)} %)`,
  );
  line(context.out, `frozen weights  ${bytesText(totals.weightBytes)}, mapped from the checkpoint`);
  line(
    context.out,
    `one step        ${countText(totals.stepFlops)} FLOPs, of which forward ${countText(totals.forwardFlops)}`,
  );
  line(context.out, `kept values     ${bytesText(totals.keptBytes)}`);
  line(
    context.out,
    `predicted peak  ${bytesText(totals.peakBytes)} of values${report.peakAt === '' ? '' : ` at ${report.peakAt}`}, and ${bytesText(totals.trainingBytes)} of trainable parameters, gradients and moments`,
  );
  line(context.out, `predicted run   ${bytesText(totals.predictedBytes)}, frozen weights and runtime included`);
  line(context.out, '');
}
