/**
 * The content hash of a checkpoint. What is hashed: the canonical JSON of config.json, then for every tensor in the
 * order of its name (UTF-16 code units) one line of canonical JSON `[name, dtype, shape]` and its bytes. File names,
 * order and sharding do not count. Hashing 1 GB takes about a second, so the result is kept in a side file, never in
 * the model's folder.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { canonicalJson, contentHash } from '../base/canonical.ts';
import { writeFileDurable } from '../base/durable.ts';
import { systemCode } from './refusal.ts';
import { tensorChunks } from './safetensors.ts';
import type { SafetensorsFile, TensorEntry } from './safetensors.ts';

export interface HashedContent {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, { readonly file: SafetensorsFile; readonly entry: TensorEntry }>;
  readonly files: readonly SafetensorsFile[];
}

const sideFileSchema = z.object({
  version: z.literal(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * A file changed within this time of being hashed could change again within one tick of the clock of the file system.
 */
const SETTLED_NANOSECONDS = 2_000_000_000n;

/** SHA-256 in lower-case hexadecimal, from the side file when every file still has the same stamp. */
export function hashCheckpoint(content: HashedContent, home: string): string {
  const stamps = stampsOf(content);
  const side = join(home, 'cache', 'hashes', `${stamps}.json`);
  const known = readSideFile(side);
  if (known !== undefined) return known.hash;
  const hash = computeHash(content);
  if (isSettled(content)) rememberHash(side, { version: 1, hash });
  return hash;
}

function computeHash({ config, tensors }: HashedContent): string {
  const hash = createHash('sha256').update(`${canonicalJson(config)}\n`);
  const names = [...tensors.keys()].sort();
  for (const name of names) {
    const { file, entry } = tensors.get(name)!;
    hash.update(`${canonicalJson([name, entry.dtype, entry.shape])}\n`);
    for (const chunk of tensorChunks(file, entry)) hash.update(chunk);
  }
  return hash.digest('hex');
}

/**
 * What the hash depends on: device, inode, size and time of every file, and the config. A renamed folder keeps them.
 */
function stampsOf({ files, config }: HashedContent): string {
  return contentHash([files.map((f) => f.stamp), config]);
}

function isSettled(content: HashedContent): boolean {
  const now = BigInt(Date.now()) * 1_000_000n;
  return content.files.every((f) => now - statSync(f.path, { bigint: true }).mtimeNs > SETTLED_NANOSECONDS);
}

function readSideFile(path: string): z.infer<typeof sideFileSchema> | undefined {
  try {
    return sideFileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/** The side file only saves time: a full or read-only disk must not stop a run that could go on without it. */
function rememberHash(path: string, content: z.infer<typeof sideFileSchema>): void {
  try {
    writeFileDurable(path, canonicalJson(content));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
