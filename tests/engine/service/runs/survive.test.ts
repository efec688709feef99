/** What a run lives through: the service is killed while it goes on, the run itself is killed, both are. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRecord } from '../../../../engine/service/runs/record.ts';
import { isAlive } from '../../../../engine/service/runs/processes.ts';
import { makeFolders, type Folders } from '../service.ts';
import {
  curveOf,
  ended,
  pointsOf,
  readLines,
  removeOwnEntry,
  serveChild,
  start,
  summaryOf,
  tinyProject,
  until,
  type ChildService,
} from './helpers.ts';

let folders: Folders;
let service: ChildService;
const started: ChildService[] = [];
const serve = async (): Promise<ChildService> => {
  const one = await serveChild(folders);
  started.push(one);
  return one;
};
beforeAll(async () => {
  folders = await makeFolders();
  service = await serve();
});
afterAll(async () => {
  for (const one of started) await one.kill();
  await removeOwnEntry();
  folders.remove();
});

const processOf = (name: string, run: string): { readonly pid: number; readonly start: string } => {
  const record = readRecord(join(folders.workspace, '.espalier', name, 'runs', run));
  if (!record?.process) throw new Error('the run has no process');
  return record.process;
};

describe('a run', () => {
  it('goes on when the service is killed, and is found again with its whole curve; the queue goes on too', async () => {
    const opened = await tinyProject(service, folders, { epochs: 40 }, 'outlives');
    const run = await start(service, opened);
    const next = await start(service, await tinyProject(service, folders, { maxSteps: 2 }, 'waits'));
    await until(service, opened, run, (s) => s.step > 3);
    const process = processOf('outlives', run);
    await service.kill();
    expect(isAlive(process)).toBe(true);
    service = await serve();
    const again = await service.call('project.open', { path: 'outlives.espalier.json' });
    const found = await summaryOf(service, again, run);
    expect(['preparing', 'training', 'done']).toContain(found.state);
    const done = await ended(service, again, run, 'done');
    expect(curveOf(await pointsOf(service, run)).map(([step]) => step)).toEqual(
      Array.from({ length: done.steps }, (_, i) => i + 1),
    );
    const waits = await service.call('project.open', { path: 'waits.espalier.json' });
    await ended(service, waits, next, 'done');
  });
  it('that is killed is lost, says so, and resumes to the same lines as one that was not', async () => {
    const settings = { epochs: 14, checkpointEvery: 3 };
    const opened = await tinyProject(service, folders, settings, 'killed');
    const run = await start(service, opened);
    await until(service, opened, run, (s) => s.step > 8);
    process.kill(-processOf('killed', run).pid, 'SIGKILL');
    const lost = await ended(service, opened, run, 'lost');
    expect(lost.diagnostics).toMatchObject([{ code: 'run-lost', fix: expect.stringContaining('Resume') as string }]);
    await service.call('run.resume', { run });
    const done = await ended(service, opened, run, 'done');
    const whole = await tinyProject(service, folders, settings, 'unharmed');
    const other = await ended(service, whole, await start(service, whole), 'done');
    const lines = (name: string): readonly string[] =>
      readLines(join(folders.workspace, '.espalier', name, 'metrics.jsonl'));
    expect(lines('killed')).toEqual(lines('unharmed'));
    expect(done.metrics).toEqual(other.metrics);
    expect(done.seconds).toBeGreaterThan(lost.seconds);
  });
  it('that ends while no service is there is known as it ended', async () => {
    const opened = await tinyProject(service, folders, { epochs: 6 }, 'alone');
    const run = await start(service, opened);
    await until(service, opened, run, (s) => s.state === 'training');
    const id = processOf('alone', run);
    await service.kill();
    while (isAlive(id)) await new Promise((resolve) => setTimeout(resolve, 50));
    service = await serve();
    const again = await service.call('project.open', { path: 'alone.espalier.json' });
    // A page that was open all the time asks for the curve first.
    const curve = curveOf(await pointsOf(service, run));
    const done = await summaryOf(service, again, run);
    expect(done).toMatchObject({ state: 'done', step: done.steps });
    expect(curve).toHaveLength(done.steps);
  });
});
