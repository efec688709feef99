/**
 * The open documents of the service. A file is open at most once, here and among all services that share the home; after a
 * restart a project that a window still shows is opened again from its journal under the same id.
 */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError, type Diagnostic } from '../../base/errors.ts';
import { writeFileDurable } from '../../base/durable.ts';
import type { OpenProject } from '../../protocol/api/project.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { Document } from '../../protocol/document.ts';
import { parseDocument, parseDocumentBytes } from '../../protocol/parse.ts';
import { printDocument } from '../../protocol/print.ts';
import type { KnowsType } from '../../protocol/unknownNodes.ts';
import { examineDocument } from '../../workflow/loadDocument.ts';
import type { EventHub } from '../events/hub.ts';
import { readRegularFile } from '../files/workspace.ts';
import type { Log } from '../log.ts';
import { REFUSALS, userProblem } from '../problems.ts';
import { JOURNAL_FILE, readJournal, textHash, type JournalContent } from './journal.ts';
import { takeLock, type Lock } from './lock.ts';
import { recover } from './recover.ts';
import { freeName, ProjectSession } from './session.ts';

export interface ProjectsOptions {
  readonly home: string;
  readonly hub: EventHub;
  readonly knows: KnowsType;
  readonly log: Log;
  readonly onOpen: (project: ProjectSession) => void;
  readonly onChange: (project: ProjectSession) => void;
  readonly onClose: (project: ProjectSession) => void;
}

export interface Projects {
  /** An open project, also one that was open before the service was restarted; refuses one that is not. */
  readonly get: (id: ProjectId) => ProjectSession;
  readonly find: (id: ProjectId) => ProjectSession | undefined;
  readonly all: () => readonly ProjectSession[];
  /** Opens a file by its real path, or joins the session that has it open. */
  readonly open: (path: string) => OpenProject;
  readonly describe: (project: ProjectSession, recovered?: number) => OpenProject;
  readonly close: (id: ProjectId) => void;
  /** Goes on under another file. */
  readonly move: (project: ProjectSession, path: string) => void;
  /** Saves everything; windows may come back after a restart. */
  readonly end: () => void;
}

const LARGEST = 64 * 2 ** 20;
const STALE_AFTER = 30 * 24 * 3600_000;

interface Held {
  readonly session: ProjectSession;
  lock: Lock;
}

export function createProjects(options: ProjectsOptions): Projects {
  const { home, hub, knows, log } = options;
  const root = join(home, 'sessions');
  const held = new Map<ProjectId, Held>();
  const byPath = new Map<string, ProjectId>();
  sweepStale(root);

  const folderOf = (path: string): string => join(root, createHash('sha256').update(path).digest('hex').slice(0, 32));

  const describe: Projects['describe'] = (project, recovered = 0) => ({
    project: project.id,
    document: project.document,
    revision: project.revision,
    file: project.file,
    folder: project.folder,
    recovered,
    diagnostics: examineDocument(project.document, project.file).diagnostics,
  });

  /** Locks of files that a session is about to go on under. */
  const claimed = new Map<ProjectId, Lock>();
  const claim = (session: ProjectSession, path: string): string => {
    const folder = folderOf(path);
    const lock = takeLock(folder);
    if ('heldBy' in lock) throw openElsewhere(basename(path), lock.heldBy);
    claimed.set(session.id, lock);
    return folder;
  };
  const onMove = (session: ProjectSession, before: string): void => {
    byPath.delete(before);
    byPath.set(session.path, session.id);
    const entry = held.get(session.id);
    const lock = claimed.get(session.id);
    claimed.delete(session.id);
    if (!entry || !lock) return;
    entry.lock.release();
    entry.lock = lock;
  };

  const openFresh = (path: string): OpenProject => {
    const folder = folderOf(path);
    const lock = takeLock(folder);
    if ('heldBy' in lock) throw openElsewhere(basename(path), lock.heldBy);
    try {
      const bytes = readRegularFile(path, LARGEST);
      const journal = readJournal(folder);
      const { document: onDisk, diagnostics } = parseDocumentBytes(bytes, basename(path), { knows });
      const recovery = journal
        ? recover(journal, bytes, onDisk, (text) => parseDocument(text, '', { knows }).document)
        : ({ kind: 'none' } as const);
      const apart = recovery.kind === 'apart' ? keepApart(path, recovery.document) : undefined;
      if (!onDisk) throw new UserError(apart === undefined ? diagnostics : [...diagnostics, keptApart(path, apart)]);
      const ahead = recovery.kind === 'ahead' ? recovery : undefined;
      const isKnown = journal !== undefined && ahead === undefined && textHash(bytes) === lastHash(journal);
      const session = new ProjectSession(
        {
          id: (journal?.header.id ?? randomBytes(15).toString('base64url')) as ProjectId,
          path,
          journalFolder: folder,
          text: bytes.toString('utf8'),
          ...(ahead && journal
            ? {
                document: ahead.document,
                revision: ahead.revision,
                savedRevision: ahead.revision - ahead.edits.length,
                journal,
                history: ahead.edits.map((e) => e.patch),
              }
            : {
                document: onDisk,
                ...bothRevisions(journal, isKnown),
                journal: undefined,
                history: [],
              }),
        },
        { emit: hub.emit, knows, log, onChange: options.onChange, claim, onMove },
      );
      held.set(session.id, { session, lock });
      byPath.set(path, session.id);
      options.onOpen(session);
      if (apart !== undefined) {
        const text = keptApart(path, apart);
        hub.emit({ event: 'notice', level: 'warning', text: `${text.message} ${text.fix}` });
        log.warning(text.message);
      }
      return describe(session, ahead?.edits.length ?? 0);
    } catch (error) {
      lock.release();
      throw error;
    }
  };

  const open: Projects['open'] = (path) => {
    const known = byPath.get(path);
    const session = known === undefined ? undefined : held.get(known)?.session;
    return session ? describe(session) : openFresh(path);
  };

  /** Looks among the journals for a project that was open when the service ended. */
  const reopen = (id: ProjectId): ProjectSession | undefined => {
    for (const folder of existsSync(root) ? readdirSync(root) : []) {
      const journal = readJournal(join(root, folder));
      if (journal?.header.id !== id || !existsSync(journal.header.path)) continue;
      if (realpathSync(journal.header.path) !== journal.header.path) continue;
      const opened = open(journal.header.path);
      if (opened.recovered > 0) {
        const edits = opened.recovered === 1 ? 'One edit' : `${opened.recovered} edits`;
        const text = `The engine is back. ${edits} of "${opened.file}" came back from the journal.`;
        // To every page: the one that asks has not subscribed yet.
        hub.emit({ event: 'notice', level: 'info', text });
      }
      return held.get(opened.project)?.session;
    }
    return undefined;
  };
  const find: Projects['find'] = (id) => {
    const known = held.get(id)?.session;
    if (known) return known;
    try {
      return reopen(id);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      log.warning(`a project could not be opened again: ${error.message}`);
      return undefined;
    }
  };

  const end = (id: ProjectId, forget: boolean): void => {
    const entry = held.get(id);
    if (!entry) return;
    try {
      entry.session.close(forget);
    } finally {
      held.delete(id);
      byPath.delete(entry.session.path);
      options.onClose(entry.session);
      entry.lock.release();
      if (forget) hub.forget(id);
    }
  };

  return {
    open,
    describe,
    find,
    get: (id) => {
      const session = find(id);
      if (!session) throw REFUSALS.project();
      return session;
    },
    all: () => [...held.values()].map((h) => h.session),
    close: (id) => end(id, true),
    move: (project, path) => {
      if (byPath.has(path) && byPath.get(path) !== project.id) throw openElsewhere(basename(path), process.pid);
      if (path === project.path) project.save();
      else project.moveTo(path);
    },
    end: () => {
      for (const id of [...held.keys()]) {
        try {
          end(id, false);
        } catch (error) {
          log.error('a project could not be saved at the end; its journal has the edits', error);
        }
      }
    },
  };
}

const lastHash = ({ header, savings }: JournalContent): string => savings.at(-1)?.hash ?? header.hash;

/**
 * Numbers go on where they were, so that an edit of before a restart is never taken for one of now. A file that is not what
 * the journal knows gets a number of its own: a window that comes back then learns that it shows something else.
 */
function bothRevisions(
  journal: JournalContent | undefined,
  isKnown: boolean,
): { readonly revision: number; readonly savedRevision: number } {
  if (!journal) return { revision: 0, savedRevision: 0 };
  const last = Math.max(journal.header.revision, journal.edits.at(-1)?.revision ?? 0);
  const revision = isKnown ? last : last + 1;
  return { revision, savedRevision: revision };
}

function keepApart(path: string, document: Document): string {
  const beside = freeName(path, 'recovered');
  writeFileDurable(beside, printDocument(document));
  return beside;
}

const keptApart = (path: string, beside: string): Diagnostic => ({
  code: 'edits-apart',
  severity: 'warning',
  where: { file: basename(path) },
  message: `"${basename(path)}" was changed by another program while edits were not in it yet.`,
  fix: `Your edits are kept in "${basename(beside)}" beside it.`,
});

const openElsewhere = (file: string, pid: number): UserError =>
  userProblem('file-open', 'Another Espalier has this file open.', 'Close it there first.', {
    where: { file },
    found: `process ${pid}`,
  });

/** Journals without edits that nobody came back for. */
function sweepStale(root: string): void {
  for (const name of existsSync(root) ? readdirSync(root) : []) {
    const folder = join(root, name);
    const file = join(folder, JOURNAL_FILE);
    const facts = statSync(file, { throwIfNoEntry: false });
    if (facts && Date.now() - facts.mtimeMs < STALE_AFTER) continue;
    const journal = facts && readJournal(folder);
    if (journal && journal.edits.length > 0) continue;
    rmSync(folder, { recursive: true, force: true });
  }
}
