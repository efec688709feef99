/** Files and tables for the tests of this folder. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError, type Diagnostic } from '../../../engine/base/errors.ts';
import { readTable, type ReadOptions } from '../../../engine/data/readTable.ts';
import type { Table } from '../../../engine/data/table.ts';

export interface Folder {
  readonly path: string;
  readonly write: (name: string, content: string | Uint8Array) => string;
  readonly remove: () => void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'espalier-data-'));
  return {
    path,
    write: (name, content) => {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The diagnostics that reading is refused with; fails when it is not. */
export async function refusal(file: string, options: ReadOptions = {}): Promise<readonly Diagnostic[]> {
  return refusalOf(() => readTable(file, options));
}

export async function refusalOf(action: () => unknown): Promise<readonly Diagnostic[]> {
  try {
    await action();
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics;
    throw error;
  }
  throw new Error('nothing was refused');
}

export function textsOf(table: Table, name: string): readonly string[] {
  const column = table.column(name);
  if (column.kind !== 'text') throw new Error(`${name} is ${column.kind}`);
  return column.values;
}

/** A small generator for seeded corruptions (mulberry32); its quality does not matter, only that it repeats. */
export function seeded(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
