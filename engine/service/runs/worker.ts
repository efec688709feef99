/**
 * Helper processes of the service: one line of JSON with a question goes in, one with the answer comes out. A process that
 * hangs, grows too large or dies takes its question with it and nothing else; the next question gets a new one. A process
 * that has nothing to do for a while is ended.
 */
import type { ChildProcess } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { UserError, type Diagnostic } from '../../base/errors.ts';
import { problem } from '../problems.ts';
import { spawnEngine } from '../spawnEngine.ts';
import { residentBytes } from './processes.ts';

export interface WorkerOptions {
  readonly entry: string;
  /** The command with its arguments. */
  readonly args: readonly string[];
  readonly home: string;
  /** The folder with custom nodes. */
  readonly workspace: string;
  readonly nice: number;
  /** Largest resident size. */
  readonly memoryBytes: number;
  readonly idleMs: number;
  /** What it does, for words: `The data file`. */
  readonly subject: string;
}

interface Question {
  readonly op: string;
  readonly payload: unknown;
  readonly limitMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Answer {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly diagnostics?: readonly Diagnostic[];
  readonly message?: string;
}

const WATCH_MS = 250;
const LONGEST_ANSWER = 64 * 2 ** 20;
const KEPT_ERRORS = 4000;

/** One process, one question at a time. */
class WorkerProcess {
  readonly #options: WorkerOptions;
  #child: ChildProcess | undefined;
  #current: Question | undefined;
  #out = '';
  #errors = '';
  #timer: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  readonly #onFree: () => void;

  constructor(options: WorkerOptions, onFree: () => void) {
    this.#options = options;
    this.#onFree = onFree;
  }

  get isFree(): boolean {
    return this.#current === undefined;
  }
  get isWarm(): boolean {
    return this.#child !== undefined;
  }

  ask(question: Question): void {
    this.#current = question;
    clearTimeout(this.#timer);
    this.#out = '';
    const child = (this.#child ??= this.#start());
    this.#timer = setTimeout(() => {
      const seconds = Math.round(question.limitMs / 1000);
      this.#fail(tooSlow(this.#options.subject, seconds));
    }, question.limitMs);
    this.#watch = setInterval(() => this.#lookAtSize(), WATCH_MS);
    child.stdin?.write(`${JSON.stringify({ op: question.op, payload: question.payload })}\n`);
  }

  end(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    const question = this.#current;
    this.#current = undefined;
    question?.reject(new UserError(ended(this.#options.subject, '')));
  }

  #start(): ChildProcess {
    const { entry, args, home, workspace, nice } = this.#options;
    const env = { ESPALIER_HOME: home, ESPALIER_WORKSPACE: workspace };
    const child = spawnEngine(entry, args, { stdio: ['pipe', 'pipe', 'pipe'], nice, env });
    const decoder = new StringDecoder('utf8');
    const isCurrent = (): boolean => this.#child === child;
    child.stdout?.on('data', (chunk: Buffer) => {
      if (isCurrent()) this.#take(decoder.write(chunk));
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (isCurrent()) this.#errors = (this.#errors + chunk.toString('utf8')).slice(-KEPT_ERRORS);
    });
    child.stdin?.on('error', () => undefined);
    child.on('error', () => {
      if (isCurrent()) this.#fail(ended(this.#options.subject, 'it could not be started'));
    });
    child.on('exit', (code, signal) => {
      if (!isCurrent()) return;
      this.#child = undefined;
      const memory = /heap out of memory|bad_alloc|allocation failed/i.test(this.#errors);
      const how = signal ?? `code ${String(code)}`;
      if (this.#current) this.#fail(memory ? tooLarge(this.#options) : ended(this.#options.subject, how));
    });
    this.#errors = '';
    return child;
  }

  #take(text: string): void {
    this.#out += text;
    const end = this.#out.indexOf('\n');
    if (end < 0) {
      if (this.#out.length > LONGEST_ANSWER) this.#fail(tooLarge(this.#options));
      return;
    }
    const line = this.#out.slice(0, end);
    this.#out = '';
    let answer: Answer;
    try {
      answer = JSON.parse(line) as Answer;
    } catch {
      return this.#fail(ended(this.#options.subject, 'it answered with something else'));
    }
    if (answer.ok) return this.#done((question) => question.resolve(answer.result));
    const found = answer.diagnostics ?? [ended(this.#options.subject, answer.message ?? '')];
    this.#done((question) => question.reject(new UserError(found)));
  }

  /** The question cannot be answered: the process is given up with it. */
  #fail(diagnostic: Diagnostic): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    this.#done((question) => question.reject(new UserError(diagnostic)));
  }

  #done(answer: (question: Question) => void): void {
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    const question = this.#current;
    this.#current = undefined;
    this.#timer = setTimeout(() => this.end(), this.#options.idleMs);
    this.#timer.unref();
    if (question) answer(question);
    this.#onFree();
  }

  #lookAtSize(): void {
    const pid = this.#child?.pid;
    const bytes = pid === undefined ? undefined : residentBytes(pid);
    if (bytes !== undefined && bytes > this.#options.memoryBytes) this.#fail(tooLarge(this.#options));
  }
}

/** Some processes of one kind; questions wait when all of them are busy. */
export class Workers {
  readonly #workers: readonly WorkerProcess[];
  #waiting: readonly Question[] = [];
  #ended = false;

  constructor(options: WorkerOptions, count: number) {
    this.#workers = Array.from({ length: count }, () => new WorkerProcess(options, () => this.#next()));
  }

  /** Throws a `UserError` with what the process found wrong, or with what became of it. */
  ask<T>(op: string, payload: unknown, limitSeconds: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const question = {
        op,
        payload,
        limitMs: limitSeconds * 1000,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      this.#waiting = [...this.#waiting, question];
      this.#next();
    });
  }

  #next(): void {
    const [question, ...rest] = this.#waiting;
    const free = this.#workers.filter((w) => w.isFree);
    // A process that has been started answers sooner.
    const worker = free.find((w) => w.isWarm) ?? free[0];
    if (!question || !worker || this.#ended) return;
    this.#waiting = rest;
    worker.ask(question);
    this.#next();
  }

  end(): void {
    this.#ended = true;
    for (const worker of this.#workers) worker.end();
  }
}

const tooSlow = (subject: string, seconds: number): Diagnostic =>
  problem(
    'worker-too-slow',
    `${subject} took longer than ${seconds} s and was given up.`,
    'Use a smaller or simpler file.',
  );
const tooLarge = ({ subject, memoryBytes }: WorkerOptions): Diagnostic =>
  problem(
    'worker-too-large',
    `${subject} needed more than ${Math.round(memoryBytes / 2 ** 20)} MiB of memory and was given up.`,
    'Use a smaller file.',
  );
const ended = (subject: string, how: string): Diagnostic =>
  problem(
    'worker-ended',
    `${subject} could not be worked on: the process that did it has ended.`,
    'Try again; send a problem report when it happens again.',
    how === '' ? {} : { found: how },
  );
