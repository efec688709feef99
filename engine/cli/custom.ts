/**
 * `espalier custom`: the custom nodes of a workspace. `try` is also what the service starts in a process of its own, so
 * that no source can hold it up; then the source comes by the standard input.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { writeFileDurable } from '../base/durable.ts';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { espalierHome } from '../checkpoints/home.ts';
import type { CustomNode } from '../protocol/api/custom.ts';
import type { CustomNodes, CustomSource } from '../sandbox/customNodes.ts';
import * as messages from '../sandbox/messages.ts';
import { trySource } from '../sandbox/trial.ts';
import { hasErrors, jsonLine, line, printDiagnostics, tableText, type CommandContext } from './context.ts';

const trialSchema = z.strictObject({
  source: z.string(),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export function customCommand(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const { custom } = context;
  const group = program.command('custom').description('nodes that you write yourself, in the folder custom-nodes/');
  group
    .command('list')
    .description('the nodes of the workspace, and whether they may run')
    .option('--json', 'one JSON object for each')
    .action((options: { json?: boolean }) => list(custom, context, options.json === true));
  group
    .command('try')
    .description('trace a node and show what it makes; the source runs in the sandbox')
    .argument('<name>')
    .option('--json', 'as one JSON object')
    .option('--stdin', 'read source and parameters from the standard input, as JSON')
    .action((name: string, options: { json?: boolean; stdin?: boolean }) => {
      const given = options.stdin === true ? trialSchema.parse(JSON.parse(readFileSync(0, 'utf8'))) : undefined;
      const tried = trySource(custom, name, given?.source ?? sourceOf(custom, name).source, given?.params ?? {});
      if (options.json) return line(context.out, jsonLine(tried));
      printDiagnostics(context, tried.diagnostics);
      if (hasErrors(tried.diagnostics)) return exit(1);
      printTrial(tried, context);
    });
  group
    .command('trust')
    .description('allow a source to run on this machine, after you have read it')
    .argument('<name>')
    .requiredOption('--hash <sha256>', 'the hash of the source that you have read; "custom list" shows it')
    .action((name: string, { hash }: { hash: string }) => trust(custom, context, name, hash));
}

function sourceOf(custom: CustomNodes, name: string): CustomSource {
  const found = custom.list().find((s) => s.name === name);
  if (found) return found;
  const words = messages.noSuchNode(name, custom.folder);
  throw new UserError(messages.diagnosticOf(`${name}.ts`, words));
}

function list(custom: CustomNodes, context: CommandContext, json: boolean): void {
  const all = custom.list();
  if (json) for (const { name, hash, trusted } of all) line(context.out, jsonLine({ name, hash, trusted }));
  else if (all.length === 0) line(context.out, `There are no custom nodes in ${custom.folder}.`);
  else
    line(
      context.out,
      tableText(
        ['name', 'may run', 'hash of the source'],
        all.map((s) => [s.name, s.trusted ? 'yes' : 'no', s.hash]),
        [0, 1, 2],
      ),
    );
}

function printTrial({ trial }: Pick<CustomNode, 'trial'>, context: CommandContext): void {
  if (!trial) return;
  const rows = (what: Readonly<Record<string, string>>, side: string): string[][] =>
    Object.entries(what).map(([port, type]) => [side, port, type]);
  const ports = [...rows(trial.inputs, 'input'), ...rows(trial.outputs, 'output')];
  const parameters = trial.parameters.map((p) => [p.trainable ? 'trainable' : 'weight', p.name, p.shape]);
  line(context.out, tableText(['', 'name', 'shape'], [...ports, ...parameters], [0, 1, 2]));
  line(context.out, `${trial.instructions} instructions`);
}

function trust(custom: CustomNodes, context: CommandContext, name: string, hash: string): void {
  const source = sourceOf(custom, name);
  if (source.hash !== hash.toLowerCase()) {
    const changed: Diagnostic = messages.diagnosticOf(`${name}.ts`, messages.otherHash(source.hash));
    throw new UserError(changed);
  }
  const file = join(espalierHome(), 'settings.json');
  const settings = existsSync(file)
    ? z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(file, 'utf8')))
    : {};
  const before = Array.isArray(settings['trusted']) ? (settings['trusted'] as readonly unknown[]) : [];
  const trusted = [...new Set([...before, source.hash])];
  writeFileDurable(file, `${JSON.stringify({ ...settings, trusted }, null, 2)}\n`);
  line(context.out, `The node "${name}" may run.`);
}
