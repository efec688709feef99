/**
 * What `espalier run --json` says: one JSON object a line. With `--events` the lines go to a file that only grows, so that
 * whoever started the run may end before it; a line that the disk refuses waits and is tried again with the next.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { writeAll } from '../base/durable.ts';
import { UserError } from '../base/errors.ts';
import { peakRssBytes } from '../trainer/progress.ts';
import type { TrainEvent } from '../trainer/state.ts';
import type { ExecuteResult, WorkflowEvent } from '../workflow/execute.ts';
import { jsonLine, line, type CommandContext } from './context.ts';

export interface RunView {
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

/** Every line ends with the seconds since the command began. */
export function eventView(context: CommandContext): RunView {
  const begun = performance.now();
  const print = (value: Readonly<Record<string, unknown>>): void => {
    const elapsed = Math.round(performance.now() - begun) / 1000;
    line(context.out, jsonLine({ ...value, elapsed }));
  };
  let state = '';
  return {
    onEvent: (event) => {
      switch (event.kind) {
        case 'step':
          return print({
            event: 'begin',
            step: event.step,
            type: event.type,
            number: event.number,
            of: event.of,
            folder: event.folder,
          });
        case 'step-done': {
          const { step, known, folder, kept } = event;
          return print({ event: 'end', step, known, metrics: kept.metrics, primary: kept.primary, folder });
        }
        case 'finding':
          return print({ event: 'finding', step: event.step, diagnostic: event.diagnostic });
        case 'train': {
          const { event: train, step } = event;
          // A training step says itself that training goes on.
          const before = state;
          if (train.kind === 'state') state = train.state.kind;
          if (train.kind === 'state' && state === 'training' && before === state) return;
          return print(trainLine(step, train));
        }
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
        examples: event.examples,
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
        primary: event.metrics.primary,
        metrics: figures(event.metrics.figures),
        best: event.best,
        seconds: event.seconds,
      };
    case 'sizes':
      return { event: 'sizes', step, trainable: event.trainable, backbone: event.backbone, of: event.steps };
    case 'baseline':
      return {
        event: 'baseline',
        step,
        primary: event.primary,
        majority: event.majority === undefined ? null : figures(event.majority),
        untrained: figures(event.untrained),
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

/** Lines that wait for room on the disk; more than these are given up, oldest first. */
const MOST_WAITING = 4 * 2 ** 20;

export interface EventLog {
  readonly write: (text: string) => void;
  /** Says why the command ends; a stop says so itself. */
  readonly fail: (error: unknown, stopped: boolean) => void;
  readonly close: () => void;
}

/** Opens the file for appending, on a line of its own, and says who writes from here on. */
export function openEventLog(path: string): EventLog {
  const fd = openSync(path, 'a+');
  let bytes = fstatSync(fd).size;
  let waiting = '';
  const write = (text: string): void => {
    waiting += text;
    const chunk = Buffer.from(waiting, 'utf8');
    try {
      writeAll(fd, chunk);
    } catch {
      // Half a line must not stay; training goes on, and the next line brings this one along.
      cutBack(fd, bytes);
      if (chunk.length > MOST_WAITING)
        waiting = waiting.slice(waiting.indexOf('\n', waiting.length - MOST_WAITING) + 1);
      return;
    }
    bytes += chunk.length;
    waiting = '';
  };
  if (bytes > 0 && lastByte(fd, bytes) !== 0x0a) write('\n');
  write(`${jsonLine({ event: 'process', pid: process.pid, at: new Date().toISOString() })}\n`);
  return {
    write,
    fail: (error, stopped) => {
      if (stopped && !(error instanceof UserError)) write(`${jsonLine({ event: 'stopped' })}\n`);
      else if (error instanceof UserError) write(`${jsonLine({ event: 'error', diagnostics: error.diagnostics })}\n`);
      else {
        const message = error instanceof Error ? error.message : String(error);
        write(`${jsonLine({ event: 'internal-error', message })}\n`);
      }
    },
    close: () => closeSync(fd),
  };
}

function cutBack(fd: number, bytes: number): void {
  try {
    ftruncateSync(fd, bytes);
  } catch {
    // A line that is cut in two is passed over by its readers.
  }
}

function lastByte(fd: number, size: number): number | undefined {
  const byte = Buffer.alloc(1);
  return readSync(fd, byte, 0, 1, size - 1) === 1 ? byte[0] : undefined;
}
