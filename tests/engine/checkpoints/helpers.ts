/** Building safetensors bytes by hand, so that tests can be wrong in one place at a time; and reading refusals. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { UserError, type Diagnostic } from '../../../engine/base/errors.ts';
import { headerLength, parseHeader, type SafetensorsLayout } from '../../../engine/checkpoints/safetensorsHeader.ts';

/** A file of the given header text and data; `length` overrides the length field. */
export function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(), length?: bigint): Buffer {
  const json = typeof header === 'string' ? Buffer.from(header, 'utf8') : Buffer.from(header);
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([field, json, data]);
}

export function entryJson(name: string, dtype: string, shape: readonly number[], begin: number, end: number): string {
  return `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`;
}

/** The reader on bytes, as the file reader calls it. */
export function parseBytes(bytes: Uint8Array, file = 'x.safetensors'): SafetensorsLayout {
  const length = headerLength(bytes.subarray(0, 9), bytes.length, file);
  return parseHeader(bytes.subarray(8, 8 + length), bytes.length, file);
}

/** The diagnostics that `body` refuses with; anything else than a `UserError` passes through and fails the test. */
export function refusalsOf(body: () => unknown): readonly Diagnostic[] {
  try {
    body();
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics;
    throw error;
  }
  return [];
}

export async function refusalsOfAsync(body: () => Promise<unknown>): Promise<readonly Diagnostic[]> {
  try {
    await body();
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics;
    throw error;
  }
  return [];
}

/** A fresh folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A small seeded generator (mulberry32) of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
