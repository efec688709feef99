/**
 * The queue of runs and their processes. One run goes on at a time. Its process outlives the service: it writes its events
 * into a file of its own, and a service that starts later finds it by number and start time and reads on.
 *
 *   queued -> preparing <-> training -> done | failed | stopped | paused | lost;   the last four may be queued again
 */
import { dirname } from 'node:path';
import { must, UserError } from '../../base/errors.ts';
import type { ProjectId, RunId } from '../../protocol/api/fields.ts';
import type { RunPoint, RunSummary } from '../../protocol/api/runs.ts';
import type { NewEvent } from '../events/hub.ts';
import type { Log } from '../log.ts';
import * as messages from './messages.ts';
import { outcomeOf, type Exit, type Outcome } from './outcome.ts';
import { identify, isAlive, signalGroup, type ProcessId } from './processes.ts';
import { QueueFile } from './record.ts';
import { RESUMABLE, type Run } from './run.ts';
import { spawnRun, type Host } from './spawnRun.ts';
import { RunStore, type NewRun } from './store.ts';

export interface RunsHost extends Host {
  readonly log: Log;
  readonly emit: (event: NewEvent) => void;
  /** The open project whose results lie in this folder. */
  readonly projectAt: (workspace: string) => ProjectId | undefined;
  /** Where the open projects have their results. */
  readonly workspaces: () => readonly string[];
  /** Threads of new runs; 0: as many as the machine has cores. */
  readonly threads: () => number;
}

const POLL_MS = 200;
/** Between events of one run: at most four a second. */
const TELL_MS = 250;
const KILL_AFTER_MS = 5000;
/** One answer stays small; a page asks on until nothing is left. */
const MOST_POINTS = 5000;

/** A process that is being read. */
interface Followed {
  readonly poll: NodeJS.Timeout;
  kill?: NodeJS.Timeout;
  toldAt: number;
  /** Something was said since then. */
  news: boolean;
  /** The first point that the pages have not been told. */
  from: number;
}

export class RunManager {
  readonly #host: RunsHost;
  readonly #queueFile: QueueFile;
  readonly #store: RunStore;
  readonly #followed = new Map<RunId, Followed>();
  readonly #exits = new Map<RunId, Exit>();
  /** Runs that another service keeps. */
  readonly #foreign = new Set<RunId>();
  #queue: readonly Run[] = [];
  /** Runs whose process this service started: their end is told, that of others is looked for. */
  readonly #own = new Set<RunId>();
  readonly #self: ProcessId;
  #closed = false;

  constructor(host: RunsHost) {
    this.#host = host;
    this.#self = must(identify(process.pid), 'this process is alive');
    this.#queueFile = new QueueFile(host.home, this.#self);
    this.#store = new RunStore((run) => this.#found(run));
  }

  /** Finds runs that were waiting or going on when the service last ended, and goes on with the queue. */
  start(): void {
    const folders = this.#queueFile.takeOver();
    // In the order of the queue first; then whatever else these documents have.
    for (const folder of folders) this.#store.load(folder, dirname(dirname(folder)));
    for (const folder of folders) this.#store.of(dirname(dirname(folder)));
    this.#keepQueue();
    this.#next();
  }

  /** Stops following; the processes go on. */
  close(): void {
    this.#closed = true;
    for (const { poll, kill } of this.#followed.values()) {
      clearInterval(poll);
      clearTimeout(kill);
    }
    this.#followed.clear();
    for (const run of this.#store.all) if (run.isLive && !run.isForeign) run.change({});
  }

  list(workspace: string): readonly RunSummary[] {
    const runs = this.#store.of(workspace);
    for (const run of runs) this.#look(run);
    return runs.map((run) => this.#summary(run, this.projectOf(run)));
  }

  get(id: RunId): Run {
    // A page that outlived a service asks for runs by their ids before it lists them.
    if (!this.#store.has(id)) for (const workspace of this.#host.workspaces()) this.#store.of(workspace);
    return this.#store.get(id);
  }

  projectOf(run: Run): ProjectId | undefined {
    return this.#host.projectAt(run.workspace);
  }

  /** Runs that were made by the command with this key. */
  withKey(workspace: string, key: string): readonly RunId[] {
    return this.#store.of(workspace).flatMap((run) => (run.record.key === key ? [run.id] : []));
  }

  /** Keeps new runs on the disk and puts them into the queue. */
  add(wanted: readonly NewRun[]): readonly RunId[] {
    const made = wanted.map((one) => this.#store.make(one, { threads: this.#host.threads(), owner: this.#self }));
    this.#enqueue(...made);
    return made.map((run) => run.id);
  }

  /** A run that another service keeps is read again, and taken over when that service is gone. */
  #look(run: Run): void {
    if (!this.#foreign.has(run.id)) return;
    run.refresh();
    if (run.isForeign) return;
    this.#foreign.delete(run.id);
    this.#found(run);
    this.#keepQueue();
    this.#next();
  }

  /** A run that may be changed from here. */
  #mine(id: RunId): Run {
    const run = this.get(id);
    this.#look(run);
    if (this.#foreign.has(id)) throw new UserError(messages.foreignRun());
    return run;
  }

  #enqueue(...runs: readonly Run[]): void {
    this.#queue = [...this.#queue, ...runs];
    this.#keepQueue();
    for (const run of runs) this.#tell(run);
    this.#next();
  }

  stop(id: RunId): void {
    const run = this.#mine(id);
    if (run.record.state === 'queued') return this.cancel(id);
    this.#ask(run, 'stop');
  }

  pause(id: RunId): void {
    this.#ask(this.#mine(id), 'pause');
  }

  /** Asks the process to end after the step it is in, with a checkpoint; a stop does not wait for long. */
  #ask(run: Run, intent: 'stop' | 'pause'): void {
    const id = run.record.process;
    if (!run.isLive || id === undefined) throw new UserError(messages.notRunning(run.record.state));
    const asked = run.record.intent !== undefined;
    run.change({ intent });
    // A second request to end would end the process at once, without its checkpoint.
    if (!asked) signalGroup(id, 'SIGTERM');
    if (intent === 'stop') this.#killSoon(run, id);
  }

  #killSoon(run: Run, id: ProcessId): void {
    const followed = this.#followed.get(run.id);
    if (!followed || followed.kill !== undefined) return;
    followed.kill = setTimeout(() => signalGroup(id, 'SIGKILL'), KILL_AFTER_MS);
    followed.kill.unref();
  }

  resume(id: RunId): void {
    const run = this.#mine(id);
    if (!RESUMABLE.has(run.record.state)) throw new UserError(messages.notResumable(run.record.state));
    run.change({ state: 'queued', diagnostics: [], owner: this.#self }, ['ended', 'intent', 'process']);
    this.#enqueue(run);
  }

  cancel(id: RunId): void {
    const run = this.#mine(id);
    if (run.record.state !== 'queued') throw new UserError(messages.notQueued(run.record.state));
    this.#queue = this.#queue.filter((other) => other !== run);
    run.change({ state: 'stopped', ended: new Date().toISOString() }, ['owner']);
    this.#keepQueue();
    this.#tell(run);
  }

  reorder(id: RunId, before: RunId | undefined): void {
    const run = this.#mine(id);
    if (run.record.state !== 'queued') throw new UserError(messages.notQueued(run.record.state));
    if (before === id) return;
    const rest = this.#queue.filter((other) => other !== run);
    const found = rest.findIndex((other) => other.id === before);
    const at = found < 0 ? rest.length : found;
    this.#queue = [...rest.slice(0, at), run, ...rest.slice(at)];
    this.#keepQueue();
    for (const one of this.#queue) this.#tell(one);
  }

  /** Ids of the waiting runs, in order. */
  get queue(): readonly RunId[] {
    return this.#queue.map((run) => run.id);
  }

  rename(id: RunId, name: string): void {
    const run = this.#mine(id);
    run.change({ name });
    this.#tell(run);
  }

  /** Removes a run and the results that no other run of the document shares. */
  delete(id: RunId): void {
    const run = this.#mine(id);
    if (run.isLive) throw new UserError(messages.stillRunning());
    const project = this.projectOf(run);
    this.#queue = this.#queue.filter((other) => other !== run);
    this.#keepQueue();
    this.#store.remove(run);
    this.#host.emit({ event: 'run-deleted', run: id, ...(project === undefined ? {} : { project }) });
  }

  points(id: RunId, after: number): { readonly points: readonly RunPoint[]; readonly next: number } {
    const run = this.get(id);
    const points = run.points.slice(after, after + MOST_POINTS);
    this.#store.keepInMemory(run);
    return { points, next: after + points.length };
  }

  /** A run that was read from the disk: one that waited goes into the queue, one that went on is followed or settled. */
  #found(run: Run): void {
    const waits = run.record.state === 'queued';
    if (!waits && !run.isLive) return;
    if (run.isForeign) return void this.#foreign.add(run.id);
    run.change({ owner: this.#self });
    if (waits) {
      this.#queue = [...this.#queue, run];
      return;
    }
    const { process: id, intent } = run.record;
    if (id === undefined || !isAlive(id)) return this.#settle(run);
    this.#host.log.info(`Run ${run.record.number} goes on in process ${id.pid}.`);
    this.#follow(run, id);
    if (intent === 'stop') this.#killSoon(run, id);
  }

  #keepQueue(): void {
    const live = this.#store.all.filter((run) => run.isLive && !this.#foreign.has(run.id));
    this.#queueFile.write([...live, ...this.#queue].map((run) => run.folder));
  }

  #next(): void {
    if (this.#closed || this.#store.all.some((run) => run.isLive && !this.#foreign.has(run.id))) return;
    const [run, ...rest] = this.#queue;
    if (!run) return;
    this.#queue = rest;
    for (const one of rest) this.#tell(one);
    this.#exits.delete(run.id);
    try {
      const { child, id } = spawnRun(run, this.#host);
      this.#own.add(run.id);
      child.on('exit', (code, signal) => this.#exits.set(run.id, { code, signal }));
      run.change({ state: 'preparing', process: id, diagnostics: [] }, ['ended', 'intent']);
      this.#follow(run, id);
      this.#keepQueue();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#finish(run, { state: 'failed', diagnostics: [messages.notStarted(reason)] });
    }
  }

  #follow(run: Run, id: ProcessId): void {
    const from = run.points.length;
    const poll = setInterval(() => {
      try {
        this.#poll(run, id);
      } catch (error) {
        this.#host.log.error(`Following run ${run.record.number} met a fault.`, error);
      }
    }, POLL_MS);
    poll.unref();
    this.#followed.set(run.id, { poll, toldAt: 0, news: false, from });
    this.#tell(run);
  }

  #poll(run: Run, id: ProcessId): void {
    // What a process said before it ended is read after it is known to have ended.
    const ended = this.#own.has(run.id) ? this.#exits.has(run.id) : !isAlive(id);
    const news = run.read();
    const { state } = run.follower;
    if (run.record.state !== state) run.show({ state });
    const followed = this.#followed.get(run.id);
    if (followed && news) followed.news = true;
    if (followed && (ended || (followed.news && Date.now() - followed.toldAt >= TELL_MS))) {
      this.#tellPoints(run, followed);
      if (!ended) this.#tell(run);
    }
    if (ended) this.#settle(run);
  }

  #tellPoints(run: Run, followed: Followed): void {
    followed.toldAt = Date.now();
    followed.news = false;
    const project = this.projectOf(run);
    const { from } = followed;
    followed.from = run.points.length;
    if (project === undefined) return;
    const points = run.points.slice(from);
    if (points.length > 0) this.#host.emit({ event: 'points', project, run: run.id, from, points });
    const { progress } = run.follower;
    if (progress) this.#host.emit({ event: 'progress', project, job: run.id, ...progress });
  }

  #settle(run: Run): void {
    const followed = this.#followed.get(run.id);
    clearInterval(followed?.poll);
    clearTimeout(followed?.kill);
    this.#followed.delete(run.id);
    run.read();
    this.#finish(run, outcomeOf(run, this.#exits.get(run.id)));
  }

  #finish(run: Run, { state, diagnostics }: Outcome): void {
    const shown = diagnostics.slice(-50);
    run.change({ state, ended: new Date().toISOString(), diagnostics: [...shown] }, ['process', 'intent', 'owner']);
    this.#exits.delete(run.id);
    this.#own.delete(run.id);
    this.#store.keepInMemory(run);
    const project = this.projectOf(run);
    const over = { what: '', done: 1, of: 1, ended: true };
    if (project !== undefined) this.#host.emit({ event: 'progress', project, job: run.id, ...over });
    this.#tell(run);
    this.#keepQueue();
    // A run that is found dead while others are still being read must not start one of them twice.
    setImmediate(() => this.#next());
  }

  #tell(run: Run): void {
    const project = this.projectOf(run);
    if (project !== undefined) this.#host.emit({ event: 'run', project, summary: this.#summary(run, project) });
  }

  #summary(run: Run, project: ProjectId | undefined): RunSummary {
    const at = this.#queue.indexOf(run);
    return { ...run.summary(project), ...(at < 0 ? {} : { waiting: at + 1 }) };
  }
}
