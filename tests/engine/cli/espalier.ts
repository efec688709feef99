/** Running the real command line in a folder of its own, with a home of its own and a tiny backbone. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import { main } from '../../../engine/cli/main.ts';
import { root } from '../../../build/setup.mjs';
import { csvOf, sentences, writeTinyBackbone } from '../../support/tinyBackbone.ts';

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** Standard output as JSON lines. */
  readonly lines: () => readonly Readonly<Record<string, unknown>>[];
  /** The last line of standard output. */
  readonly last: () => Readonly<Record<string, unknown>>;
  /** Findings of an `error` line. */
  readonly findings: () => readonly Diagnostic[];
}

export interface Place {
  readonly folder: string;
  readonly path: (...parts: readonly string[]) => string;
  readonly run: (...args: readonly string[]) => Ran;
  /** The same without a process of its own, which is faster. */
  readonly call: (...args: readonly string[]) => Promise<Ran>;
  /** Starts a command without waiting for it. */
  readonly start: (...args: readonly string[]) => ChildProcess;
  readonly write: (name: string, text: string) => string;
  readonly read: (name: string) => string;
  /** All files below the folder, the home left out. */
  readonly files: () => readonly string[];
  readonly remove: () => void;
}

const take =
  (list: string[]) =>
  (text: string): void =>
    void list.push(text);

const COMMAND = join(root, 'build', 'espalier.mjs');

/** A folder with `backbone/`, `train.csv` and `eval.csv`. */
export function place(): Place {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-cli-'));
  writeTinyBackbone(join(folder, 'backbone'));
  writeFileSync(join(folder, 'train.csv'), csvOf(sentences(48)));
  writeFileSync(join(folder, 'eval.csv'), csvOf(sentences(24, 9)));
  const environment = { ...process.env, ESPALIER_HOME: join(folder, 'home'), NO_COLOR: '1' };
  const path = (...parts: readonly string[]): string => join(folder, ...parts);
  return {
    folder,
    path,
    run: (...args) => {
      const done = spawnSync(process.execPath, [COMMAND, ...args], { cwd: folder, env: environment, encoding: 'utf8' });
      return ran(done.status, done.stdout, done.stderr);
    },
    call: async (...args) => {
      const [out, err]: [string[], string[]] = [[], []];
      const before = process.env['ESPALIER_HOME'];
      process.env['ESPALIER_HOME'] = environment.ESPALIER_HOME;
      try {
        const surroundings = { cwd: folder, out: take(out), err: take(err), terminal: false };
        return ran(await main(args, surroundings), out.join(''), err.join(''));
      } finally {
        if (before === undefined) delete process.env['ESPALIER_HOME'];
        else process.env['ESPALIER_HOME'] = before;
      }
    },
    start: (...args) =>
      spawn(process.execPath, [COMMAND, ...args], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] }),
    write: (name, text) => {
      writeFileSync(path(name), text);
      return name;
    },
    read: (name) => readFileSync(path(name), 'utf8'),
    files: () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((e) => e.isFile() && !e.parentPath.startsWith(join(folder, 'home')))
        .map((e) => join(e.parentPath, e.name).slice(folder.length + 1))
        .sort(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export function ran(code: number | null, out: string, err: string): Ran {
  const lines = (): readonly Readonly<Record<string, unknown>>[] =>
    out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>);
  const last = (): Readonly<Record<string, unknown>> => lines().at(-1) ?? {};
  return { code, out, err, lines, last, findings: () => (last()['diagnostics'] ?? []) as readonly Diagnostic[] };
}

/** The arguments of a small document, with others after them. */
export const NEW = [
  'new',
  ...['--backbone', 'backbone', '--data', 'train.csv', '--eval', 'eval.csv'],
  ...['--method', 'lora', '--param', 'r=2', '--epochs', '2', '--batch', '8'],
  ...['-o', 'doc.json'],
] as const;

/** The last value of an option that is given twice counts, so later arguments replace those of `NEW`. */
export const newWith = (...args: readonly string[]): readonly string[] => [...NEW, ...args];
