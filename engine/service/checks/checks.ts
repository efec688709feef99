/**
 * When what is checked. Findings follow every edit at once in one worker; costs come when a project has been quiet for 300 ms,
 * in another worker, so that they never hold up the findings of the next edit. Only the latest revision counts: a revision
 * that was passed while the worker was busy is never checked.
 */
import type { CheckPhase, CheckView } from '../../protocol/api/check.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { NewEvent } from '../events/hub.ts';
import type { Log } from '../log.ts';
import type { ProjectSession } from '../projects/session.ts';
import { Lane } from './lane.ts';
import type { ModelCode } from './messages.ts';
import type { CheckProcess } from './process.ts';

export interface Checks {
  /** Starts what the first document will need. */
  readonly warm: () => void;
  /** The document has changed, or was opened. */
  readonly request: (project: ProjectSession) => void;
  /** The check of the present revision, from what is known or by waiting for it. */
  readonly now: (project: ProjectSession, phase: CheckPhase) => Promise<CheckView>;
  /** The exported code of a model. */
  readonly code: (project: ProjectSession, model: string) => Promise<ModelCode>;
  readonly latest: (id: ProjectId, phase: CheckPhase) => CheckView | undefined;
  /** Models of the store have changed. */
  readonly forgetModels: () => void;
  readonly close: (id: ProjectId) => void;
  readonly end: () => void;
}

export interface ChecksOptions {
  readonly entry: string;
  readonly home: string;
  /** Real path of the workspace. */
  readonly workspace: string;
  readonly emit: (event: NewEvent) => void;
  readonly log: Log;
  readonly start?: (entry: string, log: Log) => CheckProcess;
}

const QUIET = 300;

export function createChecks(options: ChecksOptions): Checks {
  const findings = new Lane('findings', options);
  const costs = new Lane('costs', options);
  const timers = new Map<ProjectId, NodeJS.Timeout>();
  const stopTimer = (id: ProjectId): void => {
    clearTimeout(timers.get(id));
    timers.delete(id);
  };
  return {
    warm: () => findings.warm(),
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
    code: (project, model) => costs.code(project, model),
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
