/** Questions about trained models and drafts, asked of processes of their own: results, weights, answers, times, probes. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { writeFileDurable } from '../../base/durable.ts';
import type { CommandParams, CommandResult } from '../../protocol/api/commands.ts';
import type { Estimate, DryRun, RunResults, TryResult, WeightsView } from '../../protocol/api/runs.ts';
import type { ProbeView } from '../../protocol/api/check.ts';
import type { ProjectId } from '../../protocol/api/fields.ts';
import { printDocument } from '../../protocol/print.ts';
import type { ServiceContext } from '../context.ts';
import type { RunDownload } from '../app/handlers.ts';
import { problem } from '../problems.ts';
import type { RunManager } from './manager.ts';
import * as messages from './messages.ts';
import type {
  DraftPlace,
  DryQuestion,
  PredictFileQuestion,
  ProbeQuestion,
  RunPlace,
  TryQuestion,
} from './questions.ts';
import { documentFolder, workspaceOf } from './record.ts';
import type { Run } from './run.ts';
import { runExport, runFile, runFiles } from './files.ts';
import { requireFiles } from './start.ts';
import { Workers } from './worker.ts';

const MEMORY = 16 * 2 ** 30;
const IDLE_MS = 5 * 60_000;
const MINUTE = 60;

export class Inspector {
  readonly #context: ServiceContext;
  readonly #manager: RunManager;
  /** Keeps the model warm that was tried last. */
  readonly #trained: Workers;
  /** Drafts: slow questions that must not hold up a try. */
  readonly #drafts: Workers;

  constructor(context: ServiceContext, manager: RunManager) {
    this.#context = context;
    this.#manager = manager;
    const { entry, home, workspace } = context;
    const args = ['worker', 'model'];
    const shared = { entry, home, args, workspace: workspace.folder, nice: 5, memoryBytes: MEMORY, idleMs: IDLE_MS };
    this.#trained = new Workers({ ...shared, subject: 'The trained model' }, 1);
    this.#drafts = new Workers({ ...shared, subject: 'The model' }, 1);
    context.closing.addEventListener('abort', () => {
      this.#trained.end();
      this.#drafts.end();
    });
  }

  async results(id: CommandParams<'run.results'>['run']): Promise<RunResults> {
    const run = this.#manager.get(id);
    const worked = await this.#cached<Omit<RunResults, 'majority' | 'untrained' | 'files'>>(
      run,
      'results',
      20 * MINUTE,
    );
    const { majority, untrained } = run.digest;
    return {
      ...worked,
      ...(majority === undefined ? {} : { majority }),
      ...(untrained === undefined ? {} : { untrained }),
      files: runFiles(run).map(({ name, path }) => ({ name, bytes: statSync(path).size })),
    };
  }

  weights(id: CommandParams<'run.weights'>['run']): Promise<WeightsView> {
    return this.#cached<WeightsView>(this.#manager.get(id), 'weights', 5 * MINUTE);
  }

  mergeSources(id: CommandParams<'run.mergeSources'>['run']): Promise<CommandResult<'run.mergeSources'>> {
    return this.#cached(this.#manager.get(id), 'merge', 5 * MINUTE);
  }

  try({ run, texts, pairs = [] }: CommandParams<'run.try'>): Promise<readonly TryResult[]> {
    const question: TryQuestion = { ...this.#place(this.#manager.get(run)), texts, pairs };
    return this.#trained.ask('try', question, 2 * MINUTE);
  }

  async predictFile({ run: id, grant }: CommandParams<'run.predictFile'>): Promise<CommandResult<'run.predictFile'>> {
    const run = this.#manager.get(id);
    const data = this.#context.grants.file(grant);
    const shown = basename(data);
    const folder = join(run.folder, 'predictions');
    mkdirSync(folder, { recursive: true });
    const output = join(folder, `${shown.replace(/\.[^.]*$/, '').replace(/[^\w.-]+/g, '_')}.predictions.csv`);
    const question: PredictFileQuestion = { ...this.#place(run), data, shown, output };
    const { rows } = await this.#trained.ask<{ readonly rows: number }>('file', question, 30 * MINUTE);
    const offered = this.#context.downloads.offer({ name: basename(output), content: { kind: 'file', path: output } });
    return { ...offered, rows };
  }

  estimate({ project, revision }: CommandParams<'run.estimate'>): Promise<Estimate> {
    return this.#drafts.ask('estimate', this.#draft(project, revision), 5 * MINUTE);
  }

  dry({ project, revision, kind }: CommandParams<'run.dry'>): Promise<DryRun> {
    const question: DryQuestion = { ...this.#draft(project, revision), kind };
    return this.#drafts.ask('dry', question, 5 * MINUTE);
  }

  probe({ project, model, node, port }: CommandParams<'check.probe'>): Promise<ProbeView> {
    const question: ProbeQuestion = { ...this.#draft(project, undefined), model, node, port };
    return this.#drafts.ask('probe', question, 2 * MINUTE);
  }

  /** A ticket for a file of a run. */
  readonly download: RunDownload = (what) => {
    const run = this.#manager.get(what.run as Run['id']);
    const found = what.kind === 'run-file' ? runFile(run, what.file) : runExport(run, what.as);
    if (!found) {
      throw new UserError(
        problem('run-file-missing', 'The run has no such file.', 'Look at the files of its results.'),
      );
    }
    return this.#context.downloads.offer(found);
  };

  /** Answers that never change once the run's steps are done lie in its folder. */
  async #cached<T>(run: Run, op: string, limitSeconds: number): Promise<T> {
    const place = this.#place(run);
    const file = join(run.folder, `${op}.json`);
    const key = JSON.stringify([1, place.steps]);
    const known = readCached<T>(file, key);
    if (known !== undefined) return known;
    const found = await this.#trained.ask<T>(op, place, limitSeconds);
    if (existsSync(run.folder)) writeFileDurable(file, JSON.stringify({ key, found }));
    return found;
  }

  #place(run: Run): RunPlace {
    const steps = run.digest.folders.flatMap((f): [string, string][] =>
      f.done && basename(f.folder) === f.folder ? [[f.step, join(run.workspace, 'steps', f.folder)]] : [],
    );
    if (!run.digest.folders.some((f) => f.done && f.type === 'train')) throw new UserError(messages.nothingTrained());
    return { document: run.file('document'), folder: documentFolder(run.workspace), steps };
  }

  #draft(id: ProjectId, revision: number | undefined): DraftPlace {
    const project = this.#context.projects.get(id);
    if (revision !== undefined && project.revision !== revision)
      throw new UserError(messages.otherRevision(revision, project.revision));
    requireFiles(this.#context, project, project.document);
    return {
      text: printDocument(project.document),
      file: project.file,
      folder: project.folder,
      out: workspaceOf(project.path),
      threads: this.#context.settings.get().threads,
    };
  }
}

function readCached<T>(file: string, key: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as { readonly key?: unknown; readonly found?: T };
    return read.key === key ? read.found : undefined;
  } catch {
    rmSync(file, { force: true });
    return undefined;
  }
}
