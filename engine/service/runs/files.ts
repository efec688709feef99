/** The files of a run for people: what its steps left, under names without folders where they are unique. */
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readKept } from '../../workflow/execute.ts';
import { PEFT_FOLDER } from '../../workflow/peftExport.ts';
import { CONTAINER_FILE } from '../../workflow/container.ts';
import type { Download } from '../files/downloads.ts';
import { storedZip } from './zip.ts';
import { MERGED_FOLDER } from './questions.ts';
import type { Run } from './run.ts';

export interface RunFile {
  /** `adapter.safetensors`, or `train/adapter.safetensors` when several steps have one. */
  readonly name: string;
  readonly path: string;
}

export function runFiles(run: Run): readonly RunFile[] {
  const found = run.digest.folders.flatMap(({ step, folder, done }) => {
    if (!done || basename(folder) !== folder || folder === '') return [];
    const at = join(run.workspace, 'steps', folder);
    const files = readKept(join(at, 'result.json'))?.files ?? [];
    return files.filter(isPlain).map((file) => ({ step, file, path: join(at, file) }));
  });
  const count = (name: string): number => found.filter((f) => f.file === name).length;
  const named = found.map(({ step, file, path }) => ({
    name: count(file) > 1 ? `${step.replace(/[^\w-]+/g, '.')}/${file}` : file,
    path,
  }));
  // What merging the sources of a mixture made, once somebody asked for it.
  const merged = { name: `${MERGED_FOLDER}/${CONTAINER_FILE}`, path: join(run.folder, MERGED_FOLDER, CONTAINER_FILE) };
  return [...named, merged].filter(({ path }) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** Records lie on a disk that others may write to: a name must stay inside its folder. */
const isPlain = (name: string): boolean =>
  z.string().max(500).safeParse(name).success &&
  name.split('/').every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part));

export function runFile(run: Run, name: string): Download | undefined {
  const found = runFiles(run).find((f) => f.name === name);
  return found && { name: basename(found.name), content: { kind: 'file', path: found.path } };
}

/** The trained adapter as one file, or its PEFT folder as an archive. */
export function runExport(run: Run, as: 'adapter' | 'peft'): Download | undefined {
  const step = [...run.digest.folders].reverse().find((f) => f.type === 'train' && f.done);
  if (!step || basename(step.folder) !== step.folder) return undefined;
  const folder = join(run.workspace, 'steps', step.folder);
  const stem = `run-${run.record.number}`;
  if (as === 'adapter') {
    const path = join(folder, CONTAINER_FILE);
    return existsSync(path) ? { name: `${stem}.safetensors`, content: { kind: 'file', path } } : undefined;
  }
  const peft = join(folder, PEFT_FOLDER);
  if (!existsSync(peft)) return undefined;
  const path = join(run.folder, `${stem}-peft.zip`);
  storedZip(
    path,
    readdirSync(peft).map((name) => ({ name: `${stem}-peft/${name}`, path: join(peft, name) })),
  );
  return { name: basename(path), content: { kind: 'file', path } };
}
