/** Handlers of `data.*`: foreign files are read in a process that may be killed; here only paths are checked. */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { CommandParams } from '../../protocol/api/commands.ts';
import type { DataChecks, DataPreview } from '../../protocol/api/data.ts';
import { paramsOf } from '../../workflow/check.ts';
import type { Handlers, ServiceContext } from '../context.ts';
import { assetFile } from '../files/assets.ts';
import type { ProjectSession } from '../projects/session.ts';
import { userProblem } from '../problems.ts';
import { Workers } from '../runs/worker.ts';
import type { ChecksQuestion, LookQuestion, PreviewQuestion } from './questions.ts';
import { DataSteps } from './steps.ts';

const MEMORY = 2 ** 30;
const IDLE_MS = 60_000;
const LOOKED_AT = 50;
const USUAL_LENGTH = 128;
/** What one process reads of a plain file in a second, at the slowest machine that we know of. */
const SLOWEST = 2 ** 20;

/** 10 s for files of usual size, up to a minute for very large ones. */
function limitOf(...files: readonly string[]): number {
  const bytes = files.reduce((n, file) => n + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  return Math.min(60, 10 + Math.round(bytes / SLOWEST));
}

export function dataHandlers(context: ServiceContext): Handlers<'data.'> {
  const { entry, home, workspace, grants, projects, toolkit, closing } = context;
  const workers = new Workers(
    {
      entry,
      args: ['worker', 'data'],
      home,
      workspace: workspace.folder,
      nice: 5,
      memoryBytes: MEMORY,
      idleMs: IDLE_MS,
      subject: 'The data file',
    },
    2,
  );
  closing.addEventListener('abort', () => workers.end());

  const stepsOf = (project: ProjectSession): DataSteps =>
    new DataSteps(project.document, project.file, (path, step) =>
      assetFile(project.folder, workspace, path, { node: step, param: 'file' }),
    );
  const lookedAt = (params: CommandParams<'data.look'>): string => {
    if ('grant' in params) return grants.file(params.grant);
    if ('path' in params) return workspace.file(params.path);
    const sample = toolkit.templates[0]?.data;
    if (sample === undefined) throw userProblem('sample-missing', 'There is no sample file.', 'Choose a file.');
    return join(toolkit.samples, sample);
  };

  return {
    'data.look': (params) => {
      const file = lookedAt(params);
      const question: LookQuestion = { file, shown: basename(file), limit: LOOKED_AT };
      return workers.ask<DataPreview>('look', question, limitOf(file));
    },
    'data.preview': ({ project: id, step, offset, limit }) => {
      const steps = stepsOf(projects.get(id));
      const data = steps.spec(steps.step(step));
      const question: PreviewQuestion = { data, offset, limit };
      return workers.ask<DataPreview>('preview', question, limitOf(data.file));
    },
    'data.checks': ({ project: id, step: name }) => {
      const project = projects.get(id);
      const steps = stepsOf(project);
      const step = steps.step(name);
      const data = steps.spec(step);
      const train = steps.training(step);
      const [training, evaluation] = [train && steps.taken(train, 'data'), train && steps.taken(train, 'eval')];
      const backbone = train && steps.backbone(train);
      const question: ChecksQuestion = {
        data,
        ...(training && evaluation ? { pair: { train: training, evaluation } } : {}),
        maxLength: train ? paramsOf(train, 'train').maxLength : USUAL_LENGTH,
        ...(backbone === undefined ? {} : { backbone: placeOfBackbone(backbone, project.folder) }),
      };
      // Every text is cut into tokens once; they are kept for the run.
      return workers.ask<DataChecks>('checks', question, 3 * limitOf(data.file));
    },
  };
}

const placeOfBackbone = (reference: string, folder: string): string =>
  reference.startsWith('.') ? resolve(folder, reference) : reference;
