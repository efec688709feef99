/** The runs that are known, by id: read from the folders of their documents when those are first asked for. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeFileDurable } from '../../base/durable.ts';
import { UserError } from '../../base/errors.ts';
import type { RunId } from '../../protocol/api/fields.ts';
import type { Document } from '../../protocol/document.ts';
import { printDocument } from '../../protocol/print.ts';
import type { EarlierStep } from './follow.ts';
import * as messages from './messages.ts';
import { EMPTY_DIGEST, readRecord, runFolders, runsFolder, writeRecord, type RunRecord } from './record.ts';
import { Run } from './run.ts';

/** What a new run is made of. */
export interface NewRun {
  readonly workspace: string;
  readonly document: Document;
  readonly name: string;
  readonly key: string;
  readonly target?: string;
  readonly recipe: string;
  readonly seed: number;
  readonly group?: string;
  readonly documentHash: string;
  readonly trainable: number;
  readonly backbone: number;
  readonly head?: number;
}

/** Runs whose points stay in memory although they are over. */
const KEPT_IN_MEMORY = 6;

export class RunStore {
  readonly #runs = new Map<RunId, Run>();
  readonly #scanned = new Set<string>();
  #recent: readonly Run[] = [];
  /** Told of every run that is read from the disk. */
  readonly #onLoad: (run: Run) => void;

  constructor(onLoad: (run: Run) => void) {
    this.#onLoad = onLoad;
  }

  get all(): readonly Run[] {
    return [...this.#runs.values()];
  }

  has(id: RunId): boolean {
    return this.#runs.has(id);
  }

  get(id: RunId): Run {
    const run = this.#runs.get(id);
    if (!run || !existsSync(run.folder)) throw new UserError(messages.unknownRun());
    return run;
  }

  /** Runs of a workspace by number. */
  of(workspace: string): readonly Run[] {
    this.#scan(workspace);
    return this.all.filter((run) => run.workspace === workspace).sort((a, b) => a.record.number - b.record.number);
  }

  #scan(workspace: string): void {
    if (this.#scanned.has(workspace)) return;
    this.#scanned.add(workspace);
    for (const folder of runFolders(workspace)) this.load(folder, workspace);
  }

  load(folder: string, workspace: string): Run | undefined {
    const known = this.all.find((run) => run.folder === folder);
    if (known) return known;
    const record = readRecord(folder);
    if (!record) return undefined;
    const run = this.#keep(folder, workspace, record);
    this.#onLoad(run);
    return run;
  }

  #keep(folder: string, workspace: string, record: RunRecord): Run {
    const run: Run = new Run(folder, workspace, record, (step) => this.#earlier(run, step));
    this.#runs.set(run.id, run);
    return run;
  }

  /** Puts a new run on the disk: first the snapshot, then the record that makes it a run. */
  make(wanted: NewRun, { threads, owner }: Pick<RunRecord, 'threads' | 'owner'>): Run {
    const { workspace, document, trainable, backbone, head, target, group, name, key, recipe, seed, documentHash } =
      wanted;
    const number = 1 + this.of(workspace).reduce((n, run) => Math.max(n, run.record.number), 0);
    const id = `run-${number}-${randomBytes(5).toString('hex')}`;
    const folder = join(runsFolder(workspace), id);
    const record: RunRecord = {
      format: 1,
      id,
      number,
      name,
      key,
      state: 'queued',
      created: new Date().toISOString(),
      ...(target === undefined ? {} : { target }),
      recipe,
      seed,
      ...(group === undefined ? {} : { group }),
      documentHash,
      threads,
      ...(owner === undefined ? {} : { owner }),
      diagnostics: [],
      digest: { ...EMPTY_DIGEST, trainable, backbone, ...(head === undefined ? {} : { head }) },
    };
    mkdirSync(folder, { recursive: true });
    const run = this.#keep(folder, workspace, record);
    writeFileDurable(run.file('document'), printDocument(document));
    writeRecord(folder, record);
    return run;
  }

  /** Removes a run and the results that no other run of the document shares. */
  remove(run: Run): void {
    run.forget();
    const others = this.of(run.workspace).filter((other) => other !== run);
    const shared = new Set(others.flatMap((other) => other.digest.folders.map((f) => f.folder)));
    for (const { folder } of run.digest.folders) {
      if (shared.has(folder) || folder === '' || basename(folder) !== folder) continue;
      rmSync(join(run.workspace, 'steps', folder), { recursive: true, force: true });
    }
    rmSync(run.folder, { recursive: true, force: true });
    this.#runs.delete(run.id);
  }

  /** Keeps the points of a few runs at hand; those of others are read again when they are asked for. */
  keepInMemory(run: Run): void {
    this.#recent = [...this.#recent.filter((other) => other !== run), run];
    for (const old of this.#recent.slice(0, -KEPT_IN_MEMORY)) old.forget();
    this.#recent = this.#recent.slice(-KEPT_IN_MEMORY);
  }

  /** What the run of this workspace said that computed a step first. */
  #earlier(asking: Run, folder: string): EarlierStep | undefined {
    const first = this.of(asking.workspace).find(
      (run) => run !== asking && run.digest.folders.some((f) => f.folder === folder && f.done && !f.known),
    );
    const step = first?.digest.folders.find((f) => f.folder === folder)?.step;
    if (!first || step === undefined) return undefined;
    const points = first.points.filter((p) => p.at === step);
    this.keepInMemory(first);
    return { points, digest: first.digest };
  }
}
