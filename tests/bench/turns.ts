/**
 * Two or more training programs that take turns: each is a process that waits for `{"steps": n}` on its standard input and
 * answers `{"seconds": [...]}`. On a machine whose speed changes from minute to minute only turns give fair ratios.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { HOME, load, median, PYTHON, PYTHON_SCRIPTS, ROOT, round, sum } from './bench.ts';

export interface MemoryReport {
  readonly idle_rss_bytes: number;
  readonly peak_rss_bytes: number;
  readonly peak_above_idle_bytes: number;
  /** Resident pages of mapped files and of the process itself at the time of the report; ours only. */
  readonly file_rss_bytes?: number;
  readonly anonymous_rss_bytes?: number;
  /** Time in which values of frozen layers were computed ahead; ours only, absent when nothing was. */
  readonly fill_seconds?: number;
}

export class Runner {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  private constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    const env = { ...process.env, ESPALIER_HOME: HOME };
    this.#child = spawn(command, args, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString('utf8')).slice(-4000);
    });
    this.#child.stdin?.on('error', () => undefined);
    const { stdout } = this.#child;
    if (!stdout) throw new Error('no standard output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Starts a program and waits until its first steps, which are not counted, are done. */
  static async start(name: string, command: string, args: readonly string[]): Promise<Runner> {
    const runner = new Runner(name, command, args);
    await runner.#answer();
    return runner;
  }

  async steps(count: number): Promise<readonly number[]> {
    const { seconds } = (await this.#ask({ steps: count })) as { seconds: readonly number[] };
    return seconds;
  }

  async report(): Promise<MemoryReport> {
    return (await this.#ask({ report: true })) as MemoryReport;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) await ended;
  }

  async #ask(request: unknown): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#answer();
  }

  async #answer(): Promise<unknown> {
    for (;;) {
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`${this.name} ended early:\n${this.#errors}`);
      if (line.value.startsWith('{')) return JSON.parse(line.value);
    }
  }
}

/** Ours: a document trained by the workflow as `espalier run` does, in a process of its own. */
export const startOurs = (document: string, out: string, warmup: number): Promise<Runner> =>
  Runner.start('espalier', process.execPath, [
    process.argv[1] ?? '',
    '--child',
    'steps',
    document,
    out,
    String(warmup),
  ]);

/** Theirs: transformers with its default attention, and peft. */
export const startTheirs = (name: string, args: readonly string[]): Promise<Runner> =>
  Runner.start(name, PYTHON, ['-B', join(PYTHON_SCRIPTS, 'bench_step.py'), '--interactive', ...args]);

export interface Timed {
  readonly name: string;
  readonly seconds: readonly number[];
}

/** Lets every program make `steps` steps in each of `rounds` rounds, in the same order; `between` runs once a round. */
export async function takeTurns(
  runners: readonly Runner[],
  rounds: number,
  steps: number,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly Timed[]> {
  const all = runners.map(() => [] as number[]);
  for (let r = 0; r < rounds; r++) {
    for (const [i, runner] of runners.entries()) all[i]?.push(...(await runner.steps(steps)));
    await between();
  }
  return runners.map(({ name }, i) => ({ name, seconds: all[i] ?? [] }));
}

/** The figures of a comparison: the first one is ours. Ratios above 1 say that ours is faster. */
export function compare(timed: readonly Timed[], examples: number): Record<string, unknown> {
  const [ours, ...others] = timed as readonly [Timed, ...Timed[]];
  const figures = timed.map(({ name, seconds }) => [
    name,
    {
      steps: seconds.length,
      median_ms: round(1000 * median(seconds), 1),
      mean_ms: round((1000 * sum(seconds)) / seconds.length, 1),
      min_ms: round(1000 * Math.min(...seconds), 1),
      examples_per_second: round((examples * seconds.length) / sum(seconds), 1),
    },
  ]);
  const ratios = others.map(({ name, seconds }) => [
    name,
    {
      of_medians: round(median(seconds) / median(ours.seconds)),
      of_totals: round(sum(seconds) / seconds.length / (sum(ours.seconds) / ours.seconds.length)),
      /** Step by step, where both ran the same batches. */
      median_of_pairs: round(median(seconds.map((s, i) => s / (ours.seconds[i] ?? NaN)).filter(Number.isFinite))),
    },
  ]);
  return { times: Object.fromEntries(figures), ratio: Object.fromEntries(ratios), load: load() };
}
