/**
 * What every benchmark is given and gives: its options, where files go, and small statistics. A benchmark has a name, runs,
 * and returns plain data; `main.ts` prints it as one JSON line and keeps it under build/out/bench.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's root: this file and its bundle lie two folders below it. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const OUT = join(ROOT, 'build', 'out', 'bench');
export const PYTHON = join(ROOT, '.cache', 'venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
export const PYTHON_SCRIPTS = join(ROOT, 'tests', 'bench', 'python');

export interface Options {
  /** Folder of the backbone. */
  readonly model: string;
  /** Folder of the real data sets. */
  readonly data: string;
  readonly threads: number;
  /** Rounds in which ours and theirs take turns. */
  readonly rounds: number;
  /** Steps of one turn. */
  readonly steps: number;
  readonly tasks: readonly string[];
  readonly seeds: number;
  readonly epochs: number;
  readonly method: string;
  /** Further options of one benchmark, NAME=VALUE. */
  readonly extra: ReadonlyMap<string, string>;
}

export type Figures = Readonly<Record<string, unknown>>;

export interface Bench {
  readonly name: string;
  readonly help: string;
  /** Part of `npm run bench` without names. */
  readonly usual: boolean;
  run(options: Options): Promise<Figures>;
}

/** A benchmark that can't run yet, with the reason; reported, never left out silently. */
export class NotAvailable extends Error {
  override readonly name = 'NotAvailable';
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

export const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
export const round = (x: number, digits = 3): number => Number(x.toFixed(digits));
export const mebibytes = (bytes: number): number => round(bytes / 2 ** 20, 1);

/** The machine's load over the last minute; a figure that was measured under load says so. */
export const load = (): number => round(loadavg()[0] ?? NaN, 2);

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Rows under a header, numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [header, ...rows.map((r) => r.map(String))];
  const widths = header.map((_, i) => Math.max(...cells.map((r) => r[i]?.length ?? 0)));
  const lines = cells.map((r) =>
    r.map((c, i) => (i === 0 ? c.padEnd(widths[i] ?? 0) : c.padStart(widths[i] ?? 0))).join('  '),
  );
  return lines.map((l) => `  ${l.trimEnd()}`).join('\n');
}

/** Runs `work` with a new folder that is removed afterwards. It lies beside the results, on the disk of the model. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  mkdirSync(join(OUT, 'work'), { recursive: true });
  const folder = mkdtempSync(join(OUT, 'work', 'run-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Espalier's own folder during benchmarks: nothing of the person's is read or written. */
export const HOME = join(OUT, 'home');

/** Runs a program to its end and gives its standard output; what it says on standard error is shown when it fails. */
export function runProgram(command: string, args: readonly string[]): string {
  const env = { ...process.env, ESPALIER_HOME: HOME };
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', env, maxBuffer: 2 ** 28 });
  if (done.status === 0) return done.stdout;
  throw new Error(
    `${command} ${args.join(' ')} ended with ${done.status ?? done.signal}\n${done.stdout.slice(-2000)}${done.stderr.slice(-4000)}`,
  );
}

export const espalier = (...args: readonly string[]): string =>
  runProgram(process.execPath, [join(ROOT, 'build', 'espalier.mjs'), ...args]);
