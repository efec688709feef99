/**
 * Client of the Python oracle (tests/oracle/PROTOCOL.md): one process a test file, JSON lines both ways, tensors in
 * safetensors files. It leaves out the making of the Python environment, which `npm test` does before vitest
 * (build/setup.mjs).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Operations of the server. */
export type OracleOp =
  | 'ping'
  | 'make_backbone'
  | 'names'
  | 'initial'
  | 'model_run'
  | 'bert_logits'
  | 'peft_save'
  | 'peft_load'
  | 'run_module'
  | 'lint'
  | 'tokenize'
  | 'metrics'
  | 'evaluate'
  | 'adamw'
  | 'schedule';

/** What the oracle answers to a request that it could not do; `trace` is Python's. */
export class OracleError extends Error {
  override readonly name = 'OracleError';
  readonly trace: string;

  constructor(message: string, trace: string) {
    super(message);
    this.trace = trace;
  }
}

/** A running oracle. Requests may overlap; they are answered in order. */
export interface Oracle {
  /** A folder of this process for the files of requests; removed by `close`. */
  readonly folder: string;
  /** Sends one request. `Result` is what PROTOCOL.md says of the operation; it is not checked here. */
  request<Result>(op: OracleOp, parameters?: Readonly<Record<string, unknown>>): Promise<Result>;
  /** Ends the process and removes its folder. */
  close(): Promise<void>;
}

/** Python of the oracle's environment. Throws where the environment has not been made. */
export function oraclePython(): string {
  const venv = join(root, '.cache', 'venv');
  const python = process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
  if (!existsSync(python)) {
    throw new Error(`${python} does not exist. Run: node build/setup.mjs --python`);
  }
  return python;
}

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error?: string;
  readonly traceback?: string;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Starts an oracle process. Use it in `beforeAll`, close it in `afterAll`; the first request takes some seconds. */
export function startOracle(): Oracle {
  const child = spawn(oraclePython(), ['-W', 'ignore', join(root, 'tests', 'oracle', 'server.py')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const folder = mkdtempSync(join(tmpdir(), 'espalier-oracle-'));
  const waiting = new Map<number, Waiting>();
  let last = 0;
  let errors = '';
  let ended: Error | undefined;

  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer = JSON.parse(line) as Answer;
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if (answer.ok) caller?.resolve(answer.result);
    else caller?.reject(new OracleError(answer.error ?? 'no reason given', answer.traceback ?? ''));
  });
  const stop = (reason: string): void => {
    ended ??= new Error(`the oracle ended: ${reason}\n${errors}`);
    for (const caller of waiting.values()) caller.reject(ended);
    waiting.clear();
  };
  child.on('error', (error) => {
    stop(error.message);
  });
  child.on('close', (code, signal) => {
    stop(signal === null ? `exit code ${code}` : `signal ${signal}`);
  });
  // A write after the process has gone is answered by `close` above, with the process's last words.
  child.stdin.on('error', () => undefined);

  return {
    folder,
    request<Result>(op: OracleOp, parameters: Readonly<Record<string, unknown>> = {}): Promise<Result> {
      if (ended !== undefined) return Promise.reject(ended);
      const id = ++last;
      return new Promise<Result>((resolve, reject) => {
        waiting.set(id, {
          resolve: (value) => {
            resolve(value as Result);
          },
          reject,
        });
        child.stdin.write(`${JSON.stringify({ ...parameters, id, op })}\n`);
      });
    },
    async close(): Promise<void> {
      await ending(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Closing stdin lets the process finish; it is killed when it does not within a minute. */
async function ending(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  const killer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  child.stdin?.end();
  await closed;
  clearTimeout(killer);
}
