/**
 * One open document, shared by all windows that show it. Edits are checked, put into the journal, then made and told to the
 * windows; the file follows a second later. The file is never written over when another program has changed it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { writeFileDurable } from '../../base/durable.ts';
import type { Diagnostic } from '../../base/errors.ts';
import { applyPatch, diff, overlaps, type Patch } from '../../protocol/api/patch.ts';
import type { EditOutcome } from '../../protocol/api/project.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { Document } from '../../protocol/document.ts';
import { parseDocument } from '../../protocol/parse.ts';
import { printDocument } from '../../protocol/print.ts';
import type { KnowsType } from '../../protocol/unknownNodes.ts';
import type { NewEvent } from '../events/hub.ts';
import type { Log } from '../log.ts';
import { problem } from '../problems.ts';
import { openJournal, textHash, type Journal, type JournalContent } from './journal.ts';
import { validDocument } from './validate.ts';

export interface SessionStart {
  readonly id: ProjectId;
  /** Real path of the document's file. */
  readonly path: string;
  readonly journalFolder: string;
  readonly document: Document;
  /** What the file holds. */
  readonly text: string;
  readonly revision: number;
  /** The revision that the file holds. */
  readonly savedRevision: number;
  /** The journal whose edits are in `document` and not in the file. */
  readonly journal: JournalContent | undefined;
  /** The patches that lead from the file to `document`. */
  readonly history: readonly Patch[];
}

export interface SessionTools {
  readonly emit: (event: NewEvent) => void;
  readonly knows: KnowsType;
  readonly log: Log;
  /** Told after every change of the document. */
  readonly onChange: (project: ProjectSession) => void;
  /** Takes the journal folder of another file, before the document goes on there; refuses one that is open elsewhere. */
  readonly claim: (project: ProjectSession, path: string) => string;
  /** Told when the document goes on under another file. */
  readonly onMove: (project: ProjectSession, before: string) => void;
}

const SAVE_AFTER = 1000;
/** While edits never pause, the file is written at least this often. */
const SAVE_AT_LEAST = 5000;
const RETRY_AFTER = 5000;
const MOST_HISTORY = 2000;

export class ProjectSession {
  readonly id: ProjectId;
  readonly #tools: SessionTools;
  #journal: Journal;
  #path: string;
  #document: Document;
  #revision: number;
  #savedRevision: number;
  #savedAt = new Date().toISOString();
  /** Hash of what the file holds as far as we know. */
  #fileHash: string;
  /** Edits since the session was opened: the patch that made revision `base + 1 + index`. */
  #history: Patch[] = [];
  #historyBase: number;
  /** The revision that a key made. A window sends an edit again when it never heard the answer, also after a restart. */
  readonly #made: Map<string, number>;
  #timer: NodeJS.Timeout | undefined;
  #unsavedSince: number | undefined;
  #closed = false;
  #saveTrouble: string | undefined;

  constructor(start: SessionStart, tools: SessionTools) {
    this.id = start.id;
    this.#tools = tools;
    this.#path = start.path;
    this.#document = start.document;
    this.#revision = start.revision;
    this.#savedRevision = start.savedRevision;
    this.#history = [...start.history];
    this.#historyBase = start.revision - start.history.length;
    this.#made = new Map(start.journal?.edits.map((e) => [e.key, e.revision]));
    this.#fileHash = textHash(start.text);
    const { id, path, text } = start;
    this.#journal = openJournal(start.journalFolder, { id, path, text, revision: start.savedRevision }, start.journal);
    if (this.isDirty) this.#scheduleSave();
  }

  get document(): Document {
    return this.#document;
  }
  get revision(): number {
    return this.#revision;
  }
  /** Real path of the file. */
  get path(): string {
    return this.#path;
  }
  get file(): string {
    return basename(this.#path);
  }
  /** The folder that paths of the document are relative to. */
  get folder(): string {
    return dirname(this.#path);
  }
  get savedRevision(): number {
    return this.#savedRevision;
  }
  get isDirty(): boolean {
    return this.#savedRevision < this.#revision;
  }

  /** The patches that lead from an earlier revision to the present one; undefined when they are not kept any more. */
  patchesSince(revision: number): readonly Patch[] | undefined {
    if (revision > this.#revision || revision < this.#historyBase) return undefined;
    return this.#history.slice(revision - this.#historyBase);
  }

  /** Makes an edit that a window made on `revision`, when nothing that came since touches the same places. */
  edit(revision: number, patch: Patch, label: string, key: string): EditOutcome {
    const made = this.#made.get(key);
    if (made !== undefined) return { kind: 'done', revision: made };
    const between = this.patchesSince(revision);
    const applied = applyPatch(this.#document, patch);
    const changes = applied.ok ? diff(this.#document, applied.value) : [];
    if (applied.ok && changes.length === 0) return { kind: 'done', revision: this.#revision };
    const isLate = between === undefined || between.some((earlier) => overlaps(earlier, patch));
    if (isLate || (!applied.ok && between.length > 0)) {
      return { kind: 'conflict', document: this.#document, revision: this.#revision };
    }
    if (!applied.ok) return { kind: 'refused', diagnostics: [editFailed(applied.error)] };
    const valid = validDocument(this.#document, applied.value, patch, this.#tools.knows);
    if (!valid.ok) return { kind: 'refused', diagnostics: valid.error };
    this.#commit(valid.value, patch, label, key);
    return { kind: 'done', revision: this.#revision };
  }

  #commit(next: Document, patch: Patch, label: string, key: string): void {
    const revision = this.#revision + 1;
    this.#journal.append({ revision, key, label, patch });
    this.#document = next;
    this.#revision = revision;
    this.#history.push(patch);
    this.#made.set(key, revision);
    const oldest = this.#made.keys().next().value;
    if (this.#made.size > MOST_HISTORY && oldest !== undefined) this.#made.delete(oldest);
    if (this.#history.length > MOST_HISTORY) {
      const dropped = this.#history.length - MOST_HISTORY;
      this.#history = this.#history.slice(dropped);
      this.#historyBase += dropped;
    }
    this.#tools.emit({ event: 'edited', project: this.id, revision, patch, key, label });
    this.#scheduleSave();
    this.#tools.onChange(this);
  }

  #scheduleSave(): void {
    const now = Date.now();
    this.#unsavedSince ??= now;
    clearTimeout(this.#timer);
    const wait = Math.max(0, Math.min(SAVE_AFTER, this.#unsavedSince + SAVE_AT_LEAST - now));
    this.#timer = setTimeout(() => this.#saveOrTell(), wait);
    this.#timer.unref();
  }

  #saveOrTell(): void {
    try {
      this.save();
      this.#saveTrouble = undefined;
    } catch (error) {
      const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : '';
      // The same trouble is told once, not with every try.
      if (reason !== this.#saveTrouble) {
        this.#tools.log.error('saving failed', error);
        const text = `"${this.file}" could not be saved (${reason}). Your edits are in the journal; Espalier tries again.`;
        this.#tools.emit({ event: 'notice', project: this.id, level: 'error', text });
      }
      this.#saveTrouble = reason;
      if (this.#closed) return;
      this.#timer = setTimeout(() => this.#saveOrTell(), RETRY_AFTER);
      this.#timer.unref();
    }
  }

  /** Writes the file now, when it lacks something. Gives the time of the last write. */
  save(): string {
    clearTimeout(this.#timer);
    this.#unsavedSince = undefined;
    if (!this.isDirty) return this.#savedAt;
    const revision = this.#revision;
    const text = this.#readableText();
    const hash = textHash(text);
    const foreign = this.#isForeign();
    const before = this.file;
    if (foreign) this.#goOnAs(freeName(this.#path, 'my version'), text);
    else this.#writeFile(text, hash);
    this.#tools.emit({ event: 'saved', project: this.id, revision, at: this.#savedAt });
    if (foreign) {
      this.#tools.emit({
        event: 'notice',
        project: this.id,
        level: 'warning',
        text: `Another program changed "${before}". It was left as it is; your version goes on as "${this.file}".`,
      });
    }
    return this.#savedAt;
  }

  #writeFile(text: string, hash: string): void {
    const revision = this.#revision;
    this.#journal.saving(revision, hash);
    writeFileDurable(this.#path, text);
    this.#noteSaved(hash);
    this.#journal.restart({ id: this.id, path: this.#path, revision, text });
  }

  #noteSaved(hash: string): void {
    this.#fileHash = hash;
    this.#savedRevision = this.#revision;
    this.#savedAt = new Date().toISOString();
  }

  /** Writes another file and goes on there; the journal of the old one ends when the new one stands. */
  #goOnAs(path: string, text: string): void {
    const before = this.#path;
    const folder = this.#tools.claim(this, path);
    writeFileDurable(path, text);
    const journal = openJournal(folder, { id: this.id, path, revision: this.#revision, text });
    this.#journal.remove();
    this.#journal = journal;
    this.#path = path;
    this.#noteSaved(textHash(text));
    this.#tools.onMove(this, before);
  }

  /** The text of the document, proved to read back; a file that cannot be opened again is never written. */
  #readableText(): string {
    const text = printDocument(this.#document);
    const { diagnostics } = parseDocument(text, this.file, { knows: this.#tools.knows });
    if (diagnostics[0]) throw new Error(`the text would not read back: ${diagnostics[0].message}`);
    return text;
  }

  /** Whether another program has changed the file. */
  #isForeign(): boolean {
    return existsSync(this.#path) && textHash(readFileSync(this.#path)) !== this.#fileHash;
  }

  /** Goes on under another file, which is written at once. */
  moveTo(path: string): void {
    clearTimeout(this.#timer);
    this.#unsavedSince = undefined;
    this.#goOnAs(path, this.#readableText());
    this.#tools.emit({ event: 'saved', project: this.id, revision: this.#revision, at: this.#savedAt });
  }

  /** Saves and ends. `forget`: nothing is to be reopened after a restart of the service. */
  close(forget: boolean): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    try {
      this.save();
      if (forget) this.#journal.remove();
    } finally {
      clearTimeout(this.#timer);
      this.#journal.close();
    }
  }
}

const editFailed = (reason: string): Diagnostic =>
  problem('edit-failed', 'The edit does not fit the document.', 'Undo it and try another way.', { found: reason });

const ENDING = '.espalier.json';

/** The name of a document without its ending. */
export const stemOf = (file: string): string =>
  file.endsWith(ENDING) ? file.slice(0, -ENDING.length) : basename(file, extname(file));

/** A name beside `path` that no file has: `model (my version).espalier.json`, then with numbers. */
export function freeName(path: string, word?: string): string {
  const stem = stemOf(basename(path));
  for (let n = 1; ; n++) {
    const number = n === 1 ? '' : ` ${n}`;
    const suffix = word === undefined ? number : ` (${word}${number})`;
    const candidate = join(dirname(path), `${stem}${suffix}${ENDING}`);
    if (!existsSync(candidate)) return candidate;
  }
}
