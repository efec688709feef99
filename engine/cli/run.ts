/** `espalier run`: runs the workflow of a document, with a progress bar or as JSON lines. */
import { basename, join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Option, type Command } from 'commander';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { formatDiagnostic } from '../base/errors.ts';
import { setParamText } from '../protocol/edit.ts';
import { Interrupted } from '../trainer/job.ts';
import type { TrainEvent } from '../trainer/state.ts';
import { checkModels } from '../workflow/check.ts';
import { DEVICES, deviceName } from '../workflow/devices.ts';
import { runWorkflow, type DoneStep, type ExecuteResult } from '../workflow/execute.ts';
import { examineDocument, loadDocument, type LoadedDocument } from '../workflow/loadDocument.ts';
import { stepParamDefault } from './paramDefaults.ts';
import { eventView, openEventLog, type RunView } from './runEvents.ts';
import { EXIT, jsonLine, line, requireNoErrors, tableText, type CommandContext } from './context.ts';

interface RunOptions {
  readonly to?: string;
  readonly out?: string;
  readonly device: string;
  readonly resume?: boolean;
  readonly set: readonly string[];
  readonly json?: boolean;
  /** Of the service, which runs a copy of the document: where relative paths begin, and a file for the JSON lines. */
  readonly folder?: string;
  readonly events?: string;
  readonly baselines?: boolean;
  readonly threads?: string;
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function runCommand(program: Command, context: CommandContext, exit: (code: number) => void): void {
  program
    .command('run')
    .description('run the workflow of a document')
    .argument('<file>')
    .option('--to <step>', 'run this step and what it needs only')
    .option('--out <dir>', 'folder of the results; default: .espalier/NAME beside the document')
    .option('--device <name>', DEVICES.join(' or '), 'auto')
    .option('--resume', 'go on where an earlier run stopped')
    .option('--set <node.param=value>', 'change a parameter for this run', collect, [])
    .option('--json', 'one JSON object a line')
    .option('--baselines', 'compute figures of a constant answer and of the untrained model first')
    .addOption(new Option('--folder <dir>', 'folder that paths of the document are relative to').hideHelp())
    .addOption(new Option('--events <file>', 'append the JSON lines to a file').hideHelp())
    .addOption(new Option('--threads <n>', 'threads of steps that leave it open').hideHelp())
    .action(async (file: string, options: RunOptions) => {
      exit(await run(file, options, context));
    });
}

async function run(file: string, options: RunOptions, context: CommandContext): Promise<number> {
  const events = options.events === undefined ? undefined : openEventLog(resolve(context.cwd, options.events));
  // What is reported when the command fails goes the same way as its events.
  const inner = events === undefined ? context : { ...context, out: events.write };
  try {
    return await runDocument(file, options, inner);
  } catch (error) {
    events?.fail(error, context.stop.aborted);
    throw error;
  } finally {
    events?.close();
  }
}

async function runDocument(file: string, options: RunOptions, context: CommandContext): Promise<number> {
  const json = options.json === true;
  const device = deviceName(options.device) === 'auto' ? 'onnx:cpu' : options.device;
  const loaded = open(file, options, context, json);
  const out = options.out === undefined ? defaultOut(loaded) : resolve(context.cwd, options.out);
  const view = json ? eventView(context) : peopleView(context);
  const begun = performance.now();
  try {
    const result = await runWorkflow(loaded, context.toolkit, {
      out,
      ...(options.to === undefined ? {} : { to: options.to }),
      resume: options.resume === true,
      device,
      baselines: options.baselines === true,
      threads: Number(options.threads ?? 0),
      signal: context.stop,
      onEvent: view.onEvent,
    });
    view.end(result, (performance.now() - begun) / 1000);
    return EXIT.done;
  } catch (error) {
    view.close();
    if (!(error instanceof Interrupted)) throw error;
    if (json) line(context.out, jsonLine({ event: 'stopped', output: out }));
    else line(context.err, `Stopped. The state is kept in ${out}; go on with --resume.`);
    return EXIT.stopped;
  }
}

const defaultOut = ({ file, folder }: LoadedDocument): string =>
  join(folder, '.espalier', basename(file).replace(/(\.espalier)?\.json$/, ''));

/** The document with the settings of the command line, checked in whole. Nothing is written when it is not sound. */
function open(file: string, options: RunOptions, context: CommandContext, json: boolean): LoadedDocument {
  const { loaded: read, diagnostics } = loadDocument(resolve(context.cwd, file), context.toolkit.registry);
  if (!read) throw new UserError(diagnostics);
  const loaded = options.folder === undefined ? read : { ...read, folder: resolve(context.cwd, options.folder) };
  let { document } = loaded;
  const refused: Diagnostic[] = [];
  for (const text of options.set) {
    const set = setParamText(document, text, stepParamDefault(context.toolkit.registry));
    if (set.ok) document = set.value;
    else refused.push(...set.error);
  }
  if (refused.length > 0) throw new UserError(refused);
  const changed = { ...loaded, document };
  const { sound, diagnostics: found } = examineDocument(document, loaded.file);
  const models = sound ? checkModels(changed, context.toolkit, { costs: false }).diagnostics : [];
  // A backbone that is missing stops the run with its own words, so that remark is not repeated here.
  requireNoErrors(context, [...found, ...models.filter((d) => d.code !== 'backbone-unavailable')], json);
  return changed;
}

/** Steps, a bar while one trains, and the places of the files at the end. */
function peopleView(context: CommandContext): RunView {
  const bar = context.terminal
    ? new SingleBar({
        format: '{bar} {value}/{total}  loss {loss}  {speed} ex/s  {left} left',
        clearOnComplete: true,
        hideCursor: true,
      })
    : undefined;
  let open = false;
  const close = (): void => {
    if (open) bar?.stop();
    open = false;
  };
  const say = (text: string): void => {
    close();
    line(context.err, text);
  };
  const onStep = (event: Extract<TrainEvent, { kind: 'step' }>): void => {
    const payload = {
      loss: event.loss.toFixed(4),
      speed: event.examplesPerSecond.toFixed(0),
      left: clock(event.secondsLeft),
    };
    if (bar) {
      if (!open) bar.start(event.steps, event.step, payload);
      open = true;
      bar.update(event.step, payload);
    } else if (event.step === event.steps || event.step % Math.max(1, Math.ceil(event.steps / 20)) === 0) {
      line(
        context.err,
        `  step ${event.step}/${event.steps}  loss ${payload.loss}  ${payload.speed} examples/s  ${payload.left} left`,
      );
    }
  };
  return {
    close,
    onEvent: (event) => {
      switch (event.kind) {
        case 'step':
          return say(`[${event.number}/${event.of}] ${event.step}`);
        case 'step-done':
          return say(event.known ? '  known from an earlier run' : stepSummary(event.kept.metrics, event.kept.primary));
        case 'finding':
          return say(formatDiagnostic(event.diagnostic));
        case 'train':
          break;
      }
      const { event: train } = event;
      if (train.kind === 'step') onStep(train);
      else if (train.kind === 'evaluation') {
        const { primary, figures: all } = train.metrics;
        say(
          `  epoch ${train.epoch.toFixed(1)}: ${primary} ${(all.get(primary) ?? 0).toFixed(4)}${train.best ? ' (best so far)' : ''}`,
        );
      } else if (train.kind === 'progress') {
        if (train.done === train.of) say(`  ${train.what}: ${train.of} examples`);
      } else if (train.kind === 'resumed') say(`  resumed after step ${train.step}`);
      else if (train.kind === 'warning') say(formatDiagnostic(train.diagnostic));
    },
    end: (result, seconds) => {
      close();
      printEnd(context, result, seconds);
    },
  };
}

const stepSummary = (metrics: DoneStep['kept']['metrics'], primary: string): string =>
  primary === '' ? '  done' : `  done: ${primary} ${metrics[primary]?.toFixed(4) ?? 'no number'}`;

const clock = (seconds: number): string =>
  seconds < 60 ? `${Math.ceil(seconds)} s` : `${Math.floor(seconds / 60)} min ${Math.ceil(seconds % 60)} s`;

function printEnd(context: CommandContext, result: ExecuteResult, seconds: number): void {
  const rows = result.steps.flatMap(({ step, kept }) =>
    kept.primary === ''
      ? []
      : [[step, kept.primary, kept.metrics[kept.primary]?.toFixed(4) ?? '-', String(kept.trainableParameters)]],
  );
  if (rows.length > 0) line(context.out, tableText(['step', 'figure', 'value', 'trainable'], rows, [0, 1]));
  line(context.out, `Done in ${clock(seconds)}. The files are in ${result.output}`);
}
