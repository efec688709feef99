/** Runs in a service of the tests: small documents, waiting for states, a service in a process of its own that may be killed. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { bundle } from '../../../../build/bundle.mjs';
import { spawnEngine } from '../../../../engine/service/spawnEngine.ts';
import type { CommandInput, CommandName, CommandResult } from '../../../../engine/protocol/api/commands.ts';
import { COMMANDS } from '../../../../engine/protocol/api/commands.ts';
import type { RunId } from '../../../../engine/protocol/api/fields.ts';
import type { OpenProject } from '../../../../engine/protocol/api/project.ts';
import type { RunPoint, RunState, RunSummary } from '../../../../engine/protocol/api/runs.ts';
import type { Answer } from '../../../../engine/protocol/api/wire.ts';
import { csvOf, sentences } from '../../../support/tinyBackbone.ts';
import type { Folders } from '../service.ts';

/** What both kinds of service have. */
export interface Caller {
  readonly call: <N extends CommandName>(name: N, params: CommandInput<N>, key?: string) => Promise<CommandResult<N>>;
}

export type Params = Readonly<Record<string, string | number | boolean>>;

/** A LoRA document on 48 short sentences, with these parameters of its training step. */
export async function tinyProject(
  service: Caller,
  folders: Folders,
  params: Params = {},
  name = 'tiny',
): Promise<OpenProject> {
  writeFileSync(join(folders.workspace, 'train.csv'), csvOf(sentences(48)));
  writeFileSync(join(folders.workspace, 'eval.csv'), csvOf(sentences(24, 9)));
  const opened = await service.call('project.new', {
    name,
    from: {
      kind: 'tune',
      backbone: 'starter',
      data: { path: 'train.csv' },
      method: 'lora',
      params: { r: 2 },
      epochs: 2,
    },
  });
  return setTraining(service, opened, { batch: 8, ...params });
}

export async function setTraining(service: Caller, opened: OpenProject, params: Params): Promise<OpenProject> {
  const patch = Object.entries(params).map(([key, value]) => ({
    path: ['workflow', 'nodes', 'train', 'params', key],
    value,
  }));
  const { project, revision } = opened;
  const done = await service.call('project.edit', { project, revision, patch, label: 'Settings' });
  if (done.kind !== 'done') throw new Error(JSON.stringify(done));
  return service.call('project.get', { project });
}

export async function start(
  service: Caller,
  { project, revision }: OpenProject,
  more: Partial<CommandInput<'run.start'>> = {},
): Promise<RunId> {
  const { runs } = await service.call('run.start', { project, revision, ...more });
  const [run] = runs;
  if (run === undefined) throw new Error('no run was made');
  return run;
}

export async function summaryOf(service: Caller, { project }: OpenProject, run: RunId): Promise<RunSummary> {
  const all = await service.call('run.list', { project });
  const found = all.find((r) => r.run === run);
  if (!found) throw new Error(`no run ${run}`);
  return found;
}

/** Waits until the run is as wanted; a run that ended otherwise fails the test with its words. */
export async function until(
  service: Caller,
  opened: OpenProject,
  run: RunId,
  fits: (summary: RunSummary) => boolean,
  seconds = 90,
): Promise<RunSummary> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const summary = await summaryOf(service, opened, run);
    if (fits(summary)) return summary;
    if (summary.state === 'failed' || Date.now() > end) throw new Error(JSON.stringify(summary, undefined, 1));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const ended = (service: Caller, opened: OpenProject, run: RunId, state: RunState): Promise<RunSummary> =>
  until(service, opened, run, (s) => s.state === state);

export async function pointsOf(service: Caller, run: RunId): Promise<readonly RunPoint[]> {
  const all: RunPoint[] = [];
  for (let after = 0; ;) {
    const { points, next } = await service.call('run.points', { run, after });
    if (points.length === 0) return all;
    all.push(...points);
    after = next;
  }
}

/** The steps of the curve, each with its last loss: what a page draws. */
export function curveOf(points: readonly RunPoint[]): readonly (readonly [number, number | null])[] {
  const curve = new Map<number, number | null>();
  for (const p of points) if (p.kind === 'step') curve.set(p.step, p.loss);
  return [...curve].sort(([a], [b]) => a - b);
}

export const workspaceFile = ({ workspace }: Folders, ...parts: readonly string[]): string => join(workspace, ...parts);

export const readLines = (file: string): readonly string[] => readFileSync(file, 'utf8').trim().split('\n');

export interface ChildService extends Caller {
  readonly child: ChildProcess;
  /** Ends it without any chance to tidy up. */
  readonly kill: () => Promise<void>;
}

/** The bundle as it was when the test began: other work on the sources may replace it while the test goes on. */
const ownEntry = (built: string): string => join(built, '..', `cli-of-test-${process.pid}.mjs`);

export async function removeOwnEntry(): Promise<void> {
  rmSync(ownEntry(await bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes'])), { force: true });
}

const TOKEN = 'token-of-the-tests-0123456789-0123456789-abcdef';

/** `espalier serve` in a process of its own. */
export async function serveChild(folders: Folders): Promise<ChildService> {
  const built = await bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes']);
  const entry = ownEntry(built);
  copyFileSync(built, entry);
  const tokenFile = join(folders.folder, 'token');
  writeFileSync(tokenFile, TOKEN);
  const { workspace, home, page } = folders;
  const args = ['serve', '--json', '--workspace', workspace, '--home', home, '--page', page, '--token-file', tokenFile];
  const child = spawnEngine(entry, args, { stdio: ['ignore', 'pipe', 'inherit'], nice: 0 });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (chunk: Buffer) => {
      resolve((JSON.parse(chunk.toString('utf8')) as { readonly port: number }).port);
    });
    void gone.then(() => reject(new Error('the service ended at once')));
  });
  const origin = `http://127.0.0.1:${port}`;
  let count = 0;
  return {
    child,
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    call: async (name, params, key) => {
      const mutates = COMMANDS[name].mutates;
      const reply = await fetch(`${origin}/api/command`, {
        method: 'POST',
        headers: { origin, 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify({ name, params, ...(mutates ? { key: key ?? `child-key.${port}.${count++}` } : {}) }),
      });
      const answer = (await reply.json()) as Answer<unknown>;
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${JSON.stringify(answer.diagnostics)}`);
      return answer.result as never;
    },
  };
}
