/** One worker process that checks: started when it is needed, killed when it hangs, started again when it died. */
import type { ChildProcess } from 'node:child_process';
import type { Diagnostic } from '../../base/errors.ts';
import type { CheckView } from '../../protocol/api/check.ts';
import type { Log } from '../log.ts';
import { spawnEngine } from '../spawnEngine.ts';
import type { CheckRequest, FromWorker, ModelCode, ToWorker } from './messages.ts';

export type CheckAnswer =
  | { readonly kind: 'checked'; readonly view: CheckView }
  | { readonly kind: 'code'; readonly code: ModelCode }
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: 'unknown' }
  /** Our fault, or the worker died or hung. */
  | { readonly kind: 'failed'; readonly message: string };

export interface CheckProcess {
  /** Starts the process before it is asked, so that the first question need not wait for it. */
  readonly warm: () => void;
  /** One request at a time. */
  readonly ask: (request: CheckRequest) => Promise<CheckAnswer>;
  readonly tell: (message: ToWorker) => void;
  readonly close: () => void;
  /** For tests. */
  readonly pid: () => number | undefined;
}

const HANGS_AFTER = 60_000;
const NICE = 5;

export function createCheckProcess(entry: string, log: Log, hangsAfter = HANGS_AFTER): CheckProcess {
  let child: ChildProcess | undefined;
  let pending: { readonly id: number; readonly settle: (answer: CheckAnswer) => void } | undefined;
  let closed = false;

  const settle = (answer: CheckAnswer): void => {
    const { settle: done } = pending ?? {};
    pending = undefined;
    done?.(answer);
  };
  const start = (): ChildProcess => {
    const started = spawnEngine(entry, ['worker', 'check'], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], nice: NICE });
    let words = '';
    started.stderr?.on('data', (chunk: Buffer) => {
      words = (words + chunk.toString('utf8')).slice(-2000);
    });
    started.on('message', (message: FromWorker) => {
      if (message.kind === 'ready' || message.id !== pending?.id) return;
      settle(message);
    });
    const gone = (reason: string): void => {
      if (child !== started) return;
      child = undefined;
      if (!closed) log.warning(`the check worker ended (${reason})${words === '' ? '' : `: ${words}`}`);
      settle({ kind: 'failed', message: `the worker ended (${reason})` });
    };
    started.on('error', (error) => gone(error.message));
    started.on('exit', (code, signal) => gone(signal ?? `code ${code}`));
    return started;
  };
  return {
    warm: () => {
      if (!closed) child ??= start();
    },
    pid: () => child?.pid,
    tell: (message) => {
      if (child?.connected === true) child.send(message);
    },
    ask: (request) =>
      new Promise((resolve) => {
        if (closed) return resolve({ kind: 'failed', message: 'the service ends' });
        child ??= start();
        const worker = child;
        const timer = setTimeout(() => worker.kill('SIGKILL'), hangsAfter);
        pending = {
          id: request.id,
          settle: (answer) => {
            clearTimeout(timer);
            resolve(answer);
          },
        };
        worker.send({ kind: 'check', request } satisfies ToWorker, (error) => {
          if (error) worker.kill('SIGKILL');
        });
      }),
    close: () => {
      closed = true;
      child?.kill('SIGKILL');
    },
  };
}
