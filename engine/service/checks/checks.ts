/**
 * When what is checked. Findings follow every edit at once in one worker; costs come when a project has been quiet for 300 ms,
 * in another worker, so that they never hold up the findings of the next edit. Only the latest revision counts: a revision
 * that was passed while the worker was busy is never checked.
 */
import type { CheckPhase, CheckView } from '../../protocol/api/check.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { NewEvent } from '../events/hub.ts';
import type { Log } from '../log.ts';
import { problem } from '../problems.ts';
import type { ProjectSession } from '../projects/session.ts';
import { createCheckProcess, type CheckAnswer, type CheckProcess } from './process.ts';
import type { CheckRequest } from './messages.ts';

export interface Checks {
  /** The document has changed, or was opened. */
  readonly request: (project: ProjectSession) => void;
  /** The check of the present revision, from what is known or by waiting for it. */
  readonly now: (project: ProjectSession, phase: CheckPhase) => Promise<CheckView>;
  readonly latest: (id: ProjectId, phase: CheckPhase) => CheckView | undefined;
  /** Models of the store have changed. */
  readonly forgetModels: () => void;
  readonly close: (id: ProjectId) => void;
  readonly end: () => void;
}

export interface ChecksOptions {
  readonly entry: string;
  readonly home: string;
  readonly emit: (event: NewEvent) => void;
  readonly log: Log;
  readonly start?: (entry: string, log: Log) => CheckProcess;
}

const QUIET = 300;
/** A worker that fails again and again is left alone until the next edit. */
const MOST_RETRIES = 1;

type Waiter = (view: CheckView) => void;

/** One worker and the projects that wait for it. */
class Lane {
  readonly #phase: CheckPhase;
  readonly #worker: CheckProcess;
  readonly #options: ChecksOptions;
  /** Projects whose present revision is to be checked, in the order in which they asked. */
  readonly #wanted = new Map<ProjectId, ProjectSession>();
  /** The revision of each project that the worker has. */
  readonly #has = new Map<ProjectId, number>();
  readonly #views = new Map<ProjectId, CheckView>();
  readonly #waiters = new Map<ProjectId, Waiter[]>();
  #busy = false;
  #count = 0;

  constructor(phase: CheckPhase, options: ChecksOptions) {
    this.#phase = phase;
    this.#options = options;
    this.#worker = (options.start ?? createCheckProcess)(options.entry, options.log);
  }

  latest(id: ProjectId): CheckView | undefined {
    return this.#views.get(id);
  }

  want(project: ProjectSession): void {
    this.#wanted.set(project.id, project);
    void this.#work();
  }

  /** Takes back what was not begun yet. */
  cancel(id: ProjectId): void {
    if (!this.#waiters.has(id)) this.#wanted.delete(id);
  }

  wait(project: ProjectSession): Promise<CheckView> {
    const known = this.#views.get(project.id);
    if (known?.revision === project.revision) return Promise.resolve(known);
    return new Promise((resolve) => {
      this.#waiters.set(project.id, [...(this.#waiters.get(project.id) ?? []), resolve]);
      this.want(project);
    });
  }

  forget(): void {
    this.#views.clear();
    this.#worker.tell({ kind: 'forget' });
  }

  close(id: ProjectId): void {
    this.#wanted.delete(id);
    this.#has.delete(id);
    this.#views.delete(id);
    this.#waiters.delete(id);
  }

  end(): void {
    this.#wanted.clear();
    this.#worker.close();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#take(); next !== undefined; next = this.#take()) await this.#check(next);
    } finally {
      this.#busy = false;
    }
  }

  #take(): ProjectSession | undefined {
    const [first] = this.#wanted;
    if (first === undefined) return undefined;
    this.#wanted.delete(first[0]);
    return first[1];
  }

  async #check(project: ProjectSession): Promise<void> {
    let { revision } = project;
    let answer = await this.#worker.ask(this.#requestOf(project));
    for (let retry = 0; retry < MOST_RETRIES && answer.kind !== 'checked'; retry++) {
      // The worker is a new one, or lost the document: it gets the whole.
      this.#has.delete(project.id);
      revision = project.revision;
      answer = await this.#worker.ask(this.#requestOf(project));
    }
    if (answer.kind !== 'checked') this.#has.delete(project.id);
    const view = answer.kind === 'checked' ? answer.view : this.#failed(revision, answer);
    const isCurrent = project.revision === revision;
    if (isCurrent || this.#phase === 'findings') {
      this.#views.set(project.id, view);
      this.#options.emit({ event: 'checked', project: project.id, check: view });
    }
    if (!isCurrent) return this.#again(project);
    for (const resolve of this.#waiters.get(project.id) ?? []) resolve(view);
    this.#waiters.delete(project.id);
  }

  /** The document has moved on; those who wait get the newest. */
  #again(project: ProjectSession): void {
    if (this.#phase === 'findings' || this.#waiters.has(project.id)) this.#wanted.set(project.id, project);
  }

  #requestOf(project: ProjectSession): CheckRequest {
    const { revision } = project;
    const has = this.#has.get(project.id);
    const patches = has === undefined ? undefined : project.patchesSince(has);
    this.#has.set(project.id, revision);
    return {
      id: ++this.#count,
      project: project.id,
      file: project.file,
      folder: project.folder,
      home: this.#options.home,
      revision,
      phase: this.#phase,
      content:
        has === undefined || patches === undefined
          ? { kind: 'whole', document: project.document }
          : { kind: 'patches', from: has, patches },
    };
  }

  #failed(revision: number, answer: CheckAnswer): CheckView {
    const reason = answer.kind === 'failed' ? answer.message : 'the worker lost the document';
    this.#options.log.error(`the check (${this.#phase}) of revision ${revision} failed: ${reason}`);
    const diagnostic = problem(
      'check-failed',
      'The check of this document failed.',
      'Undo the last edit if it was unusual; "Report a problem" in the menu has the details.',
    );
    return { revision, phase: this.#phase, milliseconds: 0, diagnostics: [diagnostic], models: [] };
  }
}

export function createChecks(options: ChecksOptions): Checks {
  const findings = new Lane('findings', options);
  const costs = new Lane('costs', options);
  const timers = new Map<ProjectId, NodeJS.Timeout>();
  const stopTimer = (id: ProjectId): void => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  return {
    request: (project) => {
      findings.want(project);
      stopTimer(project.id);
      costs.cancel(project.id);
      const timer = setTimeout(() => {
        timers.delete(project.id);
        costs.want(project);
      }, QUIET);
      timer.unref();
      timers.set(project.id, timer);
    },
    now: (project, phase) => (phase === 'findings' ? findings : costs).wait(project),
    latest: (id, phase) => (phase === 'findings' ? findings : costs).latest(id),
    forgetModels: () => {
      findings.forget();
      costs.forget();
    },
    close: (id) => {
      stopTimer(id);
      findings.close(id);
      costs.close(id);
    },
    end: () => {
      for (const id of [...timers.keys()]) stopTimer(id);
      findings.end();
      costs.end();
    },
  };
}
