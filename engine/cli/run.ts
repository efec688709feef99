/** `espalier run`: runs the workflow of a document, with a progress bar or as JSON lines. */
import { basename, join, resolve } from 'node:path';
import { SingleBar } from 'cli-progress';
import type { Command } from 'commander';
import { UserError, type Diagnostic } from '../base/errors.ts';
import { formatDiagnostic } from '../base/errors.ts';
import { setParamText } from '../protocol/edit.ts';
import { Interrupted } from '../trainer/job.ts';
import { peakRssBytes } from '../trainer/progress.ts';
import type { TrainEvent } from '../trainer/state.ts';
import { checkModels } from '../workflow/check.ts';
import { DEVICES, deviceName } from '../workflow/devices.ts';
import { runWorkflow, type DoneStep, type ExecuteResult, type WorkflowEvent } from '../workflow/execute.ts';
import { examineDocument, loadDocument, type LoadedDocument } from '../workflow/loadDocument.ts';
import { stepParamDefault } from './paramDefaults.ts';
import { EXIT, jsonLine, line, requireNoErrors, tableText, type CommandContext } from './context.ts';

interface RunOptions {
  readonly to?: string;
  readonly out?: string;
  readonly device: string;
  readonly resume?: boolean;
  readonly set: readonly string[];
  readonly json?: boolean;
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
    .action(async (file: string, options: RunOptions) => {
      exit(await run(file, options, context));
    });
}

async function run(file: string, options: RunOptions, context: CommandContext): Promise<number> {
  const json = options.json === true;
  const device = deviceName(options.device) === 'auto' ? 'onnx:cpu' : options.device;
  const loaded = open(file, options.set, context, json);
  const out = options.out === undefined ? defaultOut(loaded) : resolve(context.cwd, options.out);
  const view = json ? jsonView(context) : peopleView(context);
  const begun = performance.now();
  try {
    const result = await runWorkflow(loaded, context.toolkit, {
      out,
      ...(options.to === undefined ? {} : { to: options.to }),
      resume: options.resume === true,
      device,
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
function open(file: string, sets: readonly string[], context: CommandContext, json: boolean): LoadedDocument {
  const { loaded, diagnostics } = loadDocument(resolve(context.cwd, file), context.toolkit.registry);
  if (!loaded) throw new UserError(diagnostics);
  let { document } = loaded;
  const refused: Diagnostic[] = [];
  for (const text of sets) {
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

interface View {
  readonly onEvent: (event: WorkflowEvent) => void;
  readonly end: (result: ExecuteResult, seconds: number) => void;
  readonly close: () => void;
}

/** What the last training or evaluation gave, as the last line of `--json` says it. */
function doneEvent(result: ExecuteResult, seconds: number): Record<string, unknown> {
  const measured = [...result.steps].reverse().find((s) => Object.keys(s.kept.metrics).length > 0);
  const trained = [...result.steps].reverse().find((s) => s.kept.type === 'train');
  return {
    event: 'done',
    metrics: measured?.kept.metrics ?? {},
    seconds,
    examples_per_second: trained?.kept.examplesPerSecond ?? 0,
    peak_rss_bytes: trained?.known === false ? peakRssBytes() : (trained?.kept.peakRssBytes ?? peakRssBytes()),
    trainable_parameters: trained?.kept.trainableParameters ?? 0,
    output: result.output,
    steps: result.steps.map(({ step, kept, known }) => ({ step, known, metrics: kept.metrics })),
  };
}

function jsonView(context: CommandContext): View {
  const print = (value: unknown): void => line(context.out, jsonLine(value));
  return {
    onEvent: (event) => {
      switch (event.kind) {
        case 'step':
          return print({ event: 'begin', step: event.step, type: event.type, number: event.number, of: event.of });
        case 'step-done':
          return print({ event: 'end', step: event.step, known: event.known, metrics: event.kept.metrics });
        case 'finding':
          return print({ event: 'finding', step: event.step, diagnostic: event.diagnostic });
        case 'train':
          return print(trainLine(event.step, event.event));
      }
    },
    end: (result, seconds) => print(doneEvent(result, seconds)),
    close: () => undefined,
  };
}

const figures = (map: ReadonlyMap<string, number>): Record<string, number | null> =>
  Object.fromEntries([...map].map(([name, x]) => [name, Number.isFinite(x) ? x : null]));

function trainLine(step: string, event: TrainEvent): Record<string, unknown> {
  switch (event.kind) {
    case 'step':
      return {
        event: 'step',
        step,
        done: event.step,
        of: event.steps,
        epoch: event.epoch,
        loss: event.loss,
        rate: event.rate,
        gradient_norm: event.gradientNorm,
        examples_per_second: event.examplesPerSecond,
        tokens_per_second: event.tokensPerSecond,
        seconds_left: event.secondsLeft,
        rss_bytes: event.rssBytes,
        losses: figures(event.losses),
        taps: figures(event.taps),
      };
    case 'evaluation':
      return {
        event: 'evaluation',
        step,
        done: event.step,
        epoch: event.epoch,
        loss: event.loss ?? null,
        metrics: figures(event.metrics.figures),
        best: event.best,
        seconds: event.seconds,
      };
    case 'state':
      return { event: 'state', step, state: event.state };
    case 'progress':
      return { event: 'progress', step, what: event.what, done: event.done, of: event.of };
    case 'checkpoint':
      return { event: 'checkpoint', step, done: event.step, bytes: event.bytes, seconds: event.seconds };
    case 'resumed':
      return { event: 'resumed', step, done: event.step };
    case 'warning':
      return { event: 'finding', step, diagnostic: event.diagnostic };
  }
}

/** Steps, a bar while one trains, and the places of the files at the end. */
function peopleView(context: CommandContext): View {
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
