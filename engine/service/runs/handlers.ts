/** Handlers of `run.*` and `check.probe`. */
import { readFileSync } from 'node:fs';
import { must } from '../../base/errors.ts';
import { parseDocument } from '../../protocol/parse.ts';
import { knowsType } from '../../workflow/loadDocument.ts';
import type { RunDownload } from '../app/handlers.ts';
import type { Handlers, ServiceContext } from '../context.ts';
import { Inspector } from './inspect.ts';
import { RunManager } from './manager.ts';
import { RUN_FILES, workspaceOf } from './record.ts';
import { startRuns } from './start.ts';

export interface Runs {
  readonly handlers: Handlers<'run.'> & Handlers<'check.probe'>;
  readonly download: RunDownload;
  readonly manager: RunManager;
  /** Stops following; the processes of runs go on. */
  readonly close: () => void;
}

/** Finds the runs that go on, and goes on with the queue. */
export function createRuns(context: ServiceContext): Runs {
  const { projects, emit, log, settings, toolkit, home, entry, workspace } = context;
  const manager = new RunManager({
    home,
    entry,
    folder: workspace.folder,
    log,
    emit,
    projectAt: (at) => projects.all().find((project) => workspaceOf(project.path) === at)?.id,
    workspaces: () => projects.all().map((project) => workspaceOf(project.path)),
    threads: () => settings.get().threads,
  });
  const inspector = new Inspector(context, manager);
  manager.start();
  return {
    manager,
    download: inspector.download,
    close: () => manager.close(),
    handlers: {
      'run.start': async (params, call) => ({ runs: await startRuns(context, manager, params, call.key) }),
      'run.stop': ({ run }) => done(manager.stop(run)),
      'run.pause': ({ run }) => done(manager.pause(run)),
      'run.resume': ({ run }) => done(manager.resume(run)),
      'run.cancel': ({ run }) => done(manager.cancel(run)),
      'run.reorder': ({ run, before }) => done(manager.reorder(run, before)),
      'run.rename': ({ run, name }) => done(manager.rename(run, name)),
      'run.delete': ({ run }) => done(manager.delete(run)),
      'run.list': ({ project }) => manager.list(workspaceOf(projects.get(project).path)),
      'run.points': ({ run, after }) => manager.points(run, after),
      'run.document': ({ run }) => {
        const text = readFileSync(manager.get(run).file('document'), 'utf8');
        const { document } = parseDocument(text, RUN_FILES.document, { knows: knowsType(toolkit.registry) });
        return { document: must(document, 'the snapshot of a run is a document') };
      },
      'run.results': ({ run }) => inspector.results(run),
      'run.weights': ({ run }) => inspector.weights(run),
      'run.try': (params) => inspector.try(params),
      'run.predictFile': (params) => inspector.predictFile(params),
      'run.mergeSources': ({ run }) => inspector.mergeSources(run),
      'run.estimate': (params) => inspector.estimate(params),
      'run.dry': (params) => inspector.dry(params),
      'check.probe': (params) => inspector.probe(params),
    },
  };
}

const done = (_nothing: void): Record<string, never> => ({});
