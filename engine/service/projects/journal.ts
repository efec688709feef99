/**
 * The journal of one open document: a header with the text that edits build on, then one line per edit, on the disk before
 * the edit is answered. Before the document's file is written, the journal notes what it will hold, so that a reader knows
 * after a crash at any point which edits the file has already.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fsyncFolder, writeAll, writeFileDurable } from '../../base/durable.ts';
import { patchSchema } from '../../protocol/api/fields.ts';
import type { Patch } from '../../protocol/api/patch.ts';

const headerSchema = z.object({
  kind: z.literal('open'),
  id: z.string(),
  /** Real path of the document. */
  path: z.string(),
  revision: z.int().min(0),
  /** Hash of `text`. */
  hash: z.string(),
  text: z.string(),
});
const editSchema = z.object({
  kind: z.literal('edit'),
  revision: z.int().min(1),
  key: z.string(),
  label: z.string(),
  patch: patchSchema,
});
/** The file is about to hold this revision. */
const savingSchema = z.object({ kind: z.literal('saving'), revision: z.int().min(0), hash: z.string() });
const lineSchema = z.discriminatedUnion('kind', [headerSchema, editSchema, savingSchema]);

export type JournalHeader = z.output<typeof headerSchema>;
export interface JournalEdit {
  readonly revision: number;
  readonly key: string;
  readonly label: string;
  readonly patch: Patch;
}

export interface JournalContent {
  readonly header: JournalHeader;
  readonly edits: readonly JournalEdit[];
  readonly savings: readonly { readonly revision: number; readonly hash: string }[];
  /** Length of the part that is whole; a crash may have left a part of a line behind it. */
  readonly length: number;
}

export const JOURNAL_FILE = 'journal.jsonl';
export const textHash = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** What a journal holds, or undefined when there is none or its header cannot be read. */
export function readJournal(folder: string): JournalContent | undefined {
  const file = join(folder, JOURNAL_FILE);
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const edits: JournalEdit[] = [];
  const savings: { revision: number; hash: string }[] = [];
  let header: JournalHeader | undefined;
  let at = 0;
  for (let end = bytes.indexOf(0x0a); end !== -1; end = bytes.indexOf(0x0a, at)) {
    const line = readLine(bytes.subarray(at, end));
    if (line === undefined || (header === undefined) !== (line.kind === 'open')) break;
    if (line.kind === 'open') header = line;
    else if (line.kind === 'saving') savings.push(line);
    else if (line.revision !== (edits.at(-1)?.revision ?? header?.revision ?? 0) + 1) break;
    else edits.push({ ...line, patch: line.patch });
    at = end + 1;
  }
  return header && { header, edits, savings, length: at };
}

function readLine(bytes: Uint8Array): z.output<typeof lineSchema> | undefined {
  try {
    const read = lineSchema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}

export interface Journal {
  readonly append: (edit: JournalEdit) => void;
  readonly saving: (revision: number, hash: string) => void;
  /** Begins anew: the file holds `text` now. */
  readonly restart: (header: Omit<JournalHeader, 'kind' | 'hash'>) => void;
  readonly close: () => void;
  /** Removes it: nothing is left to recover. */
  readonly remove: () => void;
}

/** Opens a journal for appending; `content` is what `readJournal` gave when edits of it go on, else it begins anew. */
export function openJournal(
  folder: string,
  start: Omit<JournalHeader, 'kind' | 'hash'>,
  content?: JournalContent,
): Journal {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, JOURNAL_FILE);
  let fd: number | undefined;
  const open = (): number => {
    fd ??= openSync(file, 'a');
    return fd;
  };
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const write = (line: unknown): void => {
    const handle = open();
    const before = fstatSync(handle).size;
    try {
      writeAll(handle, Buffer.from(`${JSON.stringify(line)}\n`, 'utf8'));
      fsyncSync(handle);
    } catch (error) {
      // A part of a line would hide every line behind it.
      ftruncateSync(handle, before);
      throw error;
    }
  };
  const restart: Journal['restart'] = (header) => {
    close();
    const line = { kind: 'open', ...header, hash: textHash(header.text) };
    writeFileDurable(file, `${JSON.stringify(line)}\n`);
  };
  if (content) {
    const handle = openSync(file, 'r+');
    try {
      ftruncateSync(handle, content.length);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } else restart(start);
  return {
    append: (edit) => write({ kind: 'edit', ...edit }),
    saving: (revision, hash) => write({ kind: 'saving', revision, hash }),
    restart,
    close,
    remove: () => {
      close();
      rmSync(file, { force: true });
      if (existsSync(folder)) fsyncFolder(folder);
    },
  };
}
