/**
 * The command line. `main` runs one command and gives its exit code: 0 done, 1 the user's input is at fault, 2 internal,
 * 130 stopped. Each command is a file of its own; importing this file runs nothing.
 */
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { formatDiagnostic, UserError } from '../base/errors.ts';
import { espalierHome } from '../checkpoints/home.ts';
import { checkCommand } from './check.ts';
import { EXIT, jsonLine, line, type CommandContext } from './context.ts';
import { customCommand } from './custom.ts';
import { exportCommand } from './export.ts';
import { inspectCommand } from './inspect.ts';
import { modelsCommand } from './models.ts';
import { newCommand } from './new.ts';
import { nodesCommand } from './nodes.ts';
import { predictCommand } from './predict.ts';
import { runCommand } from './run.ts';
import { serveCommand } from './serve.ts';
import { customNodesOf, makeToolkit } from './toolkit.ts';

/** Adds a command. Its action throws a `UserError` for input at fault. */
export type AddCommand = (program: Command, context: CommandContext, exit: (code: number) => void) => void;

const COMMANDS: readonly AddCommand[] = [
  newCommand,
  checkCommand,
  runCommand,
  predictCommand,
  inspectCommand,
  exportCommand,
  modelsCommand,
  nodesCommand,
  customCommand,
  serveCommand,
];

export type Surroundings = Pick<CommandContext, 'cwd' | 'out' | 'err' | 'terminal'>;

function ofProcess(): Surroundings {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', onOutputError);
  return {
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    terminal: process.stderr.isTTY,
  };
}

/** A reader that has seen enough, such as `head`, takes nothing from what a command does: a run goes on to its end. */
function onOutputError(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

/**
 * Runs one command.
 * @param args the arguments after `espalier`
 * @param surroundings where it runs and writes; the process's own by default
 * @returns the exit code
 */
export async function main(args: readonly string[], surroundings: Surroundings = ofProcess()): Promise<number> {
  const stop = new AbortController();
  const onSignal = (): void => {
    // A second signal ends the process at once: a step that takes long cannot be finished then.
    if (stop.signal.aborted) process.exit(EXIT.stopped);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const custom = customNodesOf(espalierHome, workspaceOf(args, surroundings.cwd));
  const context: CommandContext = { ...surroundings, toolkit: makeToolkit(custom), custom, stop: stop.signal };
  const json = args.includes('--json');
  const verbose = args.includes('--verbose');
  let code: number = EXIT.done;
  const program = makeProgram(context, (c) => {
    code = c;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return report(error, context, { json, verbose });
  } finally {
    custom.close();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function makeProgram(context: CommandContext, exit: (code: number) => void): Command {
  const program = new Command('espalier');
  program
    .description('Tunes pretrained transformers with parameter-efficient modules that are wired as a graph.')
    .option('--verbose', 'show the stack of internal errors')
    .exitOverride()
    .showHelpAfterError('(espalier --help lists what can be given)')
    .configureOutput({ writeOut: context.out, writeErr: context.err });
  for (const add of COMMANDS) add(program, context, exit);
  for (const command of allCommands(program)) {
    command.exitOverride().configureOutput({ writeOut: context.out, writeErr: context.err });
    if (!command.options.some((o) => o.long === '--workspace'))
      command.option('--workspace <dir>', 'the folder whose custom-nodes/ are used; default: the current folder');
  }
  return program;
}

/** The folder that holds `custom-nodes/`. Processes that the service starts are told by the environment. */
function workspaceOf(args: readonly string[], cwd: string): string {
  const at = args.indexOf('--workspace');
  const given = at < 0 ? process.env['ESPALIER_WORKSPACE'] : args[at + 1];
  return given === undefined || given === '' ? cwd : resolve(cwd, given);
}

const allCommands = (command: Command): Command[] => command.commands.flatMap((c) => [c, ...allCommands(c)]);

function report(
  error: unknown,
  context: CommandContext,
  { json, verbose }: { json: boolean; verbose: boolean },
): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.input;
  if (context.stop.aborted && isAbort(error)) {
    if (json) line(context.out, jsonLine({ event: 'stopped' }));
    else line(context.err, 'Stopped.');
    return EXIT.stopped;
  }
  if (error instanceof UserError) {
    if (json) line(context.out, jsonLine({ event: 'error', diagnostics: error.diagnostics }));
    else for (const d of error.diagnostics) line(context.err, formatDiagnostic(d));
    return EXIT.input;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (json) line(context.out, jsonLine({ event: 'internal-error', message }));
  line(context.err, `Internal error: ${message}`);
  line(context.err, 'This is a fault of Espalier. Please report it, with the command and the document.');
  if (verbose && error instanceof Error) line(context.err, error.stack ?? '');
  return EXIT.internal;
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AbortError' || error.name === 'Stopped');
