/** One run: its record on the disk, what its process has said so far, and what the lists show of both. */
import { join } from 'node:path';
import type { Diagnostic } from '../../base/errors.ts';
import type { ProjectId, RunId } from '../../protocol/api/fields.ts';
import type { RunPoint, RunState, RunSummary } from '../../protocol/api/runs.ts';
import { RunFollower, type LookUp } from './follow.ts';
import { isAlive } from './processes.ts';
import { readRecord, RUN_FILES, writeRecord, type RunRecord } from './record.ts';
import { FileTail } from './tail.ts';

export const LIVE: ReadonlySet<RunState> = new Set(['preparing', 'training']);
export const RESUMABLE: ReadonlySet<RunState> = new Set(['paused', 'stopped', 'lost', 'failed']);

export class Run {
  readonly folder: string;
  /** `.espalier/NAME` of its document. */
  readonly workspace: string;
  #record: RunRecord;
  #follower: RunFollower | undefined;
  #tail: FileTail | undefined;
  readonly #earlier: LookUp;

  constructor(folder: string, workspace: string, record: RunRecord, earlier: LookUp) {
    this.folder = folder;
    this.workspace = workspace;
    this.#record = record;
    this.#earlier = earlier;
  }

  get id(): RunId {
    return this.#record.id as RunId;
  }
  get record(): RunRecord {
    return this.#record;
  }
  /** Another service that is alive keeps it; here it is only shown. */
  get isForeign(): boolean {
    const { owner } = this.#record;
    return owner !== undefined && owner.pid !== process.pid && isAlive(owner);
  }

  /** Reads again what another service has written. */
  refresh(): void {
    this.forget();
    this.#record = readRecord(this.folder) ?? this.#record;
  }

  get isLive(): boolean {
    return LIVE.has(this.#record.state);
  }

  file(name: keyof typeof RUN_FILES): string {
    return join(this.folder, RUN_FILES[name]);
  }

  /** Changes the record, durably. */
  change(change: Partial<RunRecord>, remove: readonly (keyof RunRecord)[] = []): void {
    const next: Record<string, unknown> = { ...this.#record, digest: this.digest, ...change };
    for (const key of remove) delete next[key];
    this.#record = next as unknown as RunRecord;
    writeRecord(this.folder, this.#record);
  }

  /** Changes what is shown only; the next durable change keeps it. */
  show(change: Pick<RunRecord, 'state'>): void {
    this.#record = { ...this.#record, ...change };
  }

  get digest(): RunRecord['digest'] {
    return this.#follower?.digest ?? this.#record.digest;
  }

  /** What its process said; read from the beginning at the first call. */
  get follower(): RunFollower {
    if (!this.#follower) {
      this.#follower = new RunFollower(this.#earlier, this.#record.digest);
      this.#tail = new FileTail(this.file('events'));
      this.read();
    }
    return this.#follower;
  }

  /** Takes what was written since the last call; says whether there was anything. */
  read(): boolean {
    const { follower } = this;
    const lines = this.#tail?.read() ?? [];
    for (const line of lines) follower.take(line);
    return lines.length > 0;
  }

  /** Forgets the points; they are read again when they are asked for. */
  forget(): void {
    if (this.isLive && !this.isForeign) return;
    this.#tail?.close();
    this.#tail = undefined;
    if (this.#follower) this.#record = { ...this.#record, digest: this.#follower.digest };
    this.#follower = undefined;
  }

  get points(): readonly RunPoint[] {
    return this.follower.points;
  }

  summary(project: ProjectId | undefined): RunSummary {
    const { id, number, name, state, created, ended, target, recipe, seed, documentHash, diagnostics, group } =
      this.#record;
    const {
      backbone,
      metric,
      figure,
      majority,
      untrained,
      secondsLeft,
      folders: _f,
      checkpointStep: _c,
      ...rest
    } = this.digest;
    return {
      run: id as RunId,
      project,
      number,
      name,
      state,
      created,
      ...(ended === undefined ? {} : { ended }),
      ...(target === undefined ? {} : { target }),
      recipe,
      seed,
      ...rest,
      backboneParameters: backbone,
      ...(metric === undefined ? {} : { metric }),
      ...(figure === undefined ? {} : { figure }),
      ...(majority === undefined ? {} : { majority }),
      ...(untrained === undefined ? {} : { untrained }),
      ...(secondsLeft === undefined || state !== 'training' ? {} : { secondsLeft }),
      documentHash,
      diagnostics: this.isLive ? liveFindings(this.#follower?.diagnostics ?? []) : diagnostics,
      ...(group === undefined ? {} : { group }),
    };
  }
}

const MOST_FINDINGS = 50;
const liveFindings = (found: readonly Diagnostic[]): readonly Diagnostic[] => found.slice(-MOST_FINDINGS);
