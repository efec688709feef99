/** One worker and what waits for it: projects whose present revision is to be checked, and questions of the page. */
import { UserError } from '../../base/errors.ts';
import type { CheckPhase, CheckView } from '../../protocol/api/check.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import { problem, REFUSALS } from '../problems.ts';
import type { ProjectSession } from '../projects/session.ts';
import type { ChecksOptions } from './checks.ts';
import type { CheckRequest, ModelCode } from './messages.ts';
import { createCheckProcess, type CheckAnswer, type CheckProcess } from './process.ts';

/** A worker that fails again and again is left alone until the next edit. */
const MOST_RETRIES = 1;

interface Waiter {
  readonly resolve: (view: CheckView) => void;
  readonly reject: (error: unknown) => void;
}

export class Lane {
  readonly #phase: CheckPhase;
  readonly #worker: CheckProcess;
  readonly #options: ChecksOptions;
  /** Projects whose present revision is to be checked, in the order in which they asked. */
  readonly #wanted = new Map<ProjectId, ProjectSession>();
  readonly #questions: (() => Promise<void>)[] = [];
  /** The revision of each project that the worker has. */
  readonly #has = new Map<ProjectId, number>();
  readonly #views = new Map<ProjectId, CheckView>();
  readonly #waiters = new Map<ProjectId, Waiter[]>();
  #busy = false;
  #ended = false;
  #count = 0;

  constructor(phase: CheckPhase, options: ChecksOptions) {
    this.#phase = phase;
    this.#options = options;
    this.#worker = (options.start ?? createCheckProcess)(options.entry, options.log);
  }

  warm(): void {
    this.#worker.warm();
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
    return new Promise((resolve, reject) => {
      this.#waiters.set(project.id, [...(this.#waiters.get(project.id) ?? []), { resolve, reject }]);
      this.want(project);
    });
  }

  /** The code of a model; before checks, since a person waits for it. */
  code(project: ProjectSession, model: string): Promise<ModelCode> {
    return new Promise((resolve, reject) => {
      this.#questions.push(async () => {
        const answer = await this.#ask(project, { kind: 'code', model });
        if (answer.kind === 'code') resolve(answer.code);
        else if (answer.kind === 'refused') reject(new UserError(answer.diagnostics));
        else reject(new Error(answer.kind === 'failed' ? answer.message : 'the worker lost the document'));
      });
      void this.#work();
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
    for (const { reject } of this.#waiters.get(id) ?? []) reject(REFUSALS.project());
    this.#waiters.delete(id);
  }

  end(): void {
    this.#ended = true;
    this.#wanted.clear();
    this.#questions.length = 0;
    this.#worker.close();
  }

  async #work(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (;;) {
        const question = this.#questions.shift();
        const project = question ? undefined : this.#take();
        if (question) await question();
        else if (project) await this.#check(project);
        else return;
      }
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

  /** Asks the worker about the present revision; a worker that is new or lost the document gets the whole. */
  async #ask(project: ProjectSession, wanted: CheckRequest['wanted']): Promise<CheckAnswer> {
    let answer = await this.#worker.ask(this.#requestOf(project, wanted));
    for (let retry = 0; retry < MOST_RETRIES && (answer.kind === 'unknown' || answer.kind === 'failed'); retry++) {
      this.#has.delete(project.id);
      answer = await this.#worker.ask(this.#requestOf(project, wanted));
    }
    if (answer.kind === 'unknown' || answer.kind === 'failed') this.#has.delete(project.id);
    return answer;
  }

  async #check(project: ProjectSession): Promise<void> {
    const answer = await this.#ask(project, { kind: this.#phase });
    if (this.#ended) return;
    const view = answer.kind === 'checked' ? answer.view : this.#failed(project.revision, answer);
    const isCurrent = project.revision === view.revision;
    if (isCurrent || this.#phase === 'findings') {
      this.#views.set(project.id, view);
      this.#options.emit({ event: 'checked', project: project.id, check: view });
    }
    if (!isCurrent) return this.#again(project);
    for (const { resolve } of this.#waiters.get(project.id) ?? []) resolve(view);
    this.#waiters.delete(project.id);
  }

  /** The document has moved on; those who wait get the newest. */
  #again(project: ProjectSession): void {
    if (this.#phase === 'findings' || this.#waiters.has(project.id)) this.#wanted.set(project.id, project);
  }

  #requestOf(project: ProjectSession, wanted: CheckRequest['wanted']): CheckRequest {
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
      workspace: this.#options.workspace,
      revision,
      wanted,
      content:
        has === undefined || patches === undefined
          ? { kind: 'whole', document: project.document }
          : { kind: 'patches', from: has, patches },
    };
  }

  #failed(revision: number, answer: CheckAnswer): CheckView {
    const reason = answer.kind === 'failed' ? answer.message : `an answer of kind ${answer.kind}`;
    this.#options.log.error(`the check (${this.#phase}) of revision ${revision} failed: ${reason}`);
    const diagnostic = problem(
      'check-failed',
      'The check of this document failed.',
      'Undo the last edit if it was unusual; "Report a problem" in the menu has the details.',
    );
    return { revision, phase: this.#phase, milliseconds: 0, diagnostics: [diagnostic], models: [] };
  }
}
