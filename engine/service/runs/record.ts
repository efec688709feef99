/**
 * What is kept of a run, beside the document:
 *
 *   FOLDER/.espalier/NAME/runs/ID/document.espalier.json   the snapshot that it trains
 *   FOLDER/.espalier/NAME/runs/ID/record.json              this record, replaced durably at every change of state
 *   FOLDER/.espalier/NAME/runs/ID/events.jsonl             what its process says, appended by the process itself
 *   FOLDER/.espalier/NAME/runs/ID/output.log               what its process printed otherwise
 *   FOLDER/.espalier/NAME/steps/...                        results, shared by the runs of a document
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { writeFileDurable } from '../../base/durable.ts';
import type { Diagnostic } from '../../base/errors.ts';
import { RUN_STATES } from '../../protocol/api/runs.ts';
import { isAlive, type ProcessId } from './processes.ts';

export const RUN_FILES = {
  document: 'document.espalier.json',
  record: 'record.json',
  events: 'events.jsonl',
  output: 'output.log',
} as const;

/** The folder of a document's results: where `espalier run` puts them too. */
export const workspaceOf = (documentFile: string): string =>
  join(dirname(documentFile), '.espalier', basename(documentFile).replace(/(\.espalier)?\.json$/, ''));
export const runsFolder = (workspace: string): string => join(workspace, 'runs');
/** The folder that paths of the document are relative to. */
export const documentFolder = (workspace: string): string => dirname(dirname(workspace));

export const diagnosticSchema = z.looseObject({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  message: z.string(),
  where: z.looseObject({}),
  fix: z.string(),
}) as unknown as z.ZodType<Diagnostic>;

const numbers = z.record(z.string(), z.number());
const digestSchema = z.object({
  seconds: z.number(),
  trainable: z.number(),
  backbone: z.number(),
  head: z.number().exactOptional(),
  metric: z.string().exactOptional(),
  figure: z.number().exactOptional(),
  metrics: numbers,
  majority: z.number().exactOptional(),
  untrained: z.number().exactOptional(),
  peakRssBytes: z.number(),
  examplesPerSecond: z.number(),
  step: z.number(),
  steps: z.number(),
  epoch: z.number(),
  secondsLeft: z.number().exactOptional(),
  checkpointStep: z.number().exactOptional(),
  /** Steps of the workflow that left or will leave files, with their folders below the workspace. */
  folders: z.array(
    z.object({ step: z.string(), type: z.string(), folder: z.string(), known: z.boolean(), done: z.boolean() }),
  ),
});
/** What a list shows of the events, so that it need not read them. */
export type Digest = z.infer<typeof digestSchema>;

const recordSchema = z.object({
  format: z.literal(1),
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  number: z.int().min(1),
  name: z.string(),
  /** The idempotency key of the command that made it: the same key makes no second one. */
  key: z.string(),
  state: z.enum(RUN_STATES),
  created: z.string(),
  ended: z.string().exactOptional(),
  target: z.string().exactOptional(),
  recipe: z.string(),
  seed: z.number(),
  group: z.string().exactOptional(),
  documentHash: z.string(),
  /** Resumed runs need the same number. */
  threads: z.int().min(0),
  process: z.object({ pid: z.int(), start: z.string() }).exactOptional(),
  /** The service that keeps it in its queue, or follows it. */
  owner: z.object({ pid: z.int(), start: z.string() }).exactOptional(),
  /** What the process was asked for last. */
  intent: z.enum(['stop', 'pause']).exactOptional(),
  diagnostics: z.array(diagnosticSchema),
  digest: digestSchema,
});
export type RunRecord = Readonly<z.infer<typeof recordSchema>>;

export const EMPTY_DIGEST: Digest = {
  seconds: 0,
  trainable: 0,
  backbone: 0,
  metrics: {},
  peakRssBytes: 0,
  examplesPerSecond: 0,
  step: 0,
  steps: 0,
  epoch: 0,
  folders: [],
};

export const writeRecord = (folder: string, record: RunRecord): void =>
  writeFileDurable(join(folder, RUN_FILES.record), `${JSON.stringify(record, undefined, 1)}\n`);

/** The record in a folder; undefined when there is none or it cannot be read. */
export function readRecord(folder: string): RunRecord | undefined {
  try {
    const read = recordSchema.safeParse(JSON.parse(readFileSync(join(folder, RUN_FILES.record), 'utf8')));
    return read.success && read.data.id === basename(folder) ? read.data : undefined;
  } catch {
    return undefined;
  }
}

/** Folders of the runs of a workspace that have a record. */
export function runFolders(workspace: string): readonly string[] {
  const parent = runsFolder(workspace);
  if (!existsSync(parent)) return [];
  return readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(parent, entry.name, RUN_FILES.record)))
    .map((entry) => join(parent, entry.name));
}

const queueSchema = z.object({
  format: z.literal(1),
  owner: z.object({ pid: z.int(), start: z.string() }),
  folders: z.array(z.string()),
});

/**
 * The folders of runs that wait or go on, in order, wherever their documents are. Each service has a file of its own, since
 * several may share a home; the file of one that is gone is taken over.
 */
export class QueueFile {
  readonly #folder: string;
  readonly #path: string;
  readonly #owner: ProcessId;

  constructor(home: string, owner: ProcessId) {
    this.#folder = join(home, 'runs');
    this.#path = join(this.#folder, `queue-${owner.pid}.json`);
    this.#owner = owner;
  }

  /** What services left that are gone, the oldest entries first. Their files are removed once ours is written. */
  takeOver(): readonly string[] {
    if (!existsSync(this.#folder)) return [];
    const found: string[] = [];
    const gone: string[] = [];
    for (const name of readdirSync(this.#folder).filter((n) => /^queue-\d+\.json$/.test(n))) {
      const queue = readQueue(join(this.#folder, name));
      if (queue && isAlive(queue.owner) && queue.owner.pid !== this.#owner.pid) continue;
      found.push(...(queue?.folders ?? []));
      gone.push(join(this.#folder, name));
    }
    const folders = [...new Set(found)];
    this.write(folders);
    for (const file of gone) if (file !== this.#path) rmSync(file, { force: true });
    return folders;
  }

  write(folders: readonly string[]): void {
    if (folders.length === 0 && !existsSync(this.#path)) return;
    writeFileDurable(this.#path, `${JSON.stringify({ format: 1, owner: this.#owner, folders })}\n`);
  }
}

function readQueue(path: string): z.infer<typeof queueSchema> | undefined {
  try {
    const read = queueSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    return read.success ? read.data : undefined;
  } catch {
    return undefined;
  }
}
