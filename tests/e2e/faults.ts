/**
 * Faults at seeded moments while a person types and a run trains: the process of the page, of the service or of the run is
 * killed with SIGKILL. What each round finds is returned; the tests say what may be lost (editor.md section 5: edits of
 * two seconds at most, no command twice, runs that go on bit for bit).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { readRecord } from '../../engine/service/runs/record.ts';
import { generator } from '../support/tinyModels.ts';
import { callFrom, waitForApp, type App } from './harness/index.ts';
import { trainButton, untilTrain } from './training.ts';

export type Fault = 'page' | 'service' | 'run';

export interface Round {
  readonly fault: Fault;
  /** How long before the kill the oldest edit was made that did not come back; 0 when all came back. */
  readonly lostMilliseconds: number;
  /** Revisions that the service counts beyond the edits that were made: commands that ran twice. */
  readonly twice: number;
  /** What the window said about it. */
  readonly notice: string;
}

export interface Faults {
  readonly rounds: readonly Round[];
  /** The lines of the metrics of the run that was disturbed. */
  readonly metrics: readonly string[];
  /** Those of a run with the same settings that nobody disturbed. */
  readonly calm: readonly string[];
  /** Runs that the service knows; Train was pressed once. */
  readonly runs: number;
}

interface Typed {
  readonly n: number;
  readonly at: number;
}

const field = (page: Page) => page.getByRole('textbox', { name: 'Title of the document' });
const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
const numberOf = (title: string): number => Number(/^edit (\d+)$/.exec(title)?.[1] ?? 0);

/** The project of this name trains once while `faults` come one after the other; `calm` is its twin. Both are names of files. */
export async function makeFaults(
  app: App,
  name: string,
  calm: string,
  faults: readonly Fault[],
  seed: number,
): Promise<Faults> {
  const random = generator(seed);
  const context = app.page.context();
  const project = await app.openDocument(`${name}.espalier.json`);
  const rounds: Round[] = [];
  let page = app.page;
  let count = 0;
  /** Revision and number of the edit that both sides agreed on last. */
  let agreed = { revision: await revisionOf(page, name), n: 0 };

  const newestRun = async () => (await callFrom(page, 'run.list', { project })).at(-1);
  const type = async (typed: Typed[], goOn: () => boolean): Promise<void> => {
    while (goOn()) {
      const n = count + 1;
      try {
        await field(page).fill(`edit ${n}`, { timeout: 5000 });
        await field(page).press('Enter', { timeout: 5000 });
      } catch (error) {
        // The page went away under the hands.
        if (goOn()) throw error;
        return;
      }
      count = n;
      typed.push({ n, at: Date.now() });
      await pause(120 + random() * 200);
    }
  };

  await untilTrain(page, ['ready']);
  await trainButton(page).click();
  await untilTrain(page, ['training']);
  for (const fault of faults) {
    // Requests to a service that is gone fail, which the browser notes as errors.
    app.expectProblem(/ERR_|WebSocket|Failed to load resource|crash/);
    const typed: Typed[] = [];
    let typing = true;
    const hands = type(typed, () => typing);
    if (fault === 'run') await untilTrain(page, ['training']);
    await pause(300 + random() * 2200);
    const at = Date.now();
    let notice: string;
    if (fault === 'page') {
      typing = false;
      page = await killPage(page, context, app.service.origin, project);
      await hands;
      notice = await page.getByRole('status', { name: /^Document / }).innerText();
    } else if (fault === 'service') {
      const restarted = app.restartService();
      await page.getByText(/Engine stopped, restarting/).waitFor();
      await restarted;
      const back = page.getByText(/Back\. Nothing lost/).first();
      await back.waitFor({ timeout: 60_000 });
      notice = await back.innerText();
      typing = false;
      await hands;
    } else {
      const run = await newestRun();
      const record = run && readRecord(join(app.workspace, '.espalier', name, 'runs', run.run));
      if (run?.state === 'training' && record?.process) {
        process.kill(-record.process.pid, 'SIGKILL');
        notice = await untilTrain(page, ['failed', 'finished']);
        if (/process is gone/.test(notice))
          await page.getByRole('button', { name: 'Resume from the last checkpoint' }).click();
      } else notice = 'the run had ended by itself';
      typing = false;
      await hands;
    }
    await page.getByRole('status', { name: 'Document saved' }).waitFor({ timeout: 60_000 });
    const shown = numberOf(await field(page).inputValue());
    const revision = await revisionOf(page, name);
    const lost = typed.find((t) => t.n > shown);
    rounds.push({
      fault,
      lostMilliseconds: lost === undefined ? 0 : Math.max(0, at - lost.at),
      twice: Math.max(0, revision - agreed.revision - (shown - agreed.n)),
      notice,
    });
    count = shown;
    agreed = { revision, n: shown };
  }
  await untilTrain(page, ['finished'], 3_600_000);
  const runs = await callFrom(page, 'run.list', { project });
  const [run] = runs;
  if (run === undefined) throw new Error('The run is gone.');
  const other = await trainCalm(page, calm);
  return {
    rounds,
    metrics: metricsOf(app.workspace, name, run.run),
    calm: metricsOf(app.workspace, calm, other),
    runs: runs.length,
  };
}

/** What must hold of every round; each kind of fault was there so many times. */
export function expectHarmless(faults: Faults, times: number): void {
  for (const { fault, lostMilliseconds, twice, notice } of faults.rounds) {
    expect(lostMilliseconds).toBeLessThanOrEqual(2000);
    expect(twice).toBe(0);
    if (fault === 'service') expect(notice).toContain('Nothing lost');
    if (fault === 'run') expect(notice).toContain('process is gone');
  }
  for (const fault of ['page', 'service', 'run'])
    expect(faults.rounds.filter((r) => r.fault === fault)).toHaveLength(times);
  expect(faults.runs).toBe(1);
}

/** Trains a document that nobody disturbs to its end. */
async function trainCalm(page: Page, name: string): Promise<RunId> {
  const { project, revision } = await callFrom(page, 'project.open', { path: `${name}.espalier.json` });
  const [run] = (await callFrom(page, 'run.start', { project, revision })).runs;
  if (run === undefined) throw new Error('No run was made.');
  for (;;) {
    const summary = (await callFrom(page, 'run.list', { project })).find((r) => r.run === run);
    if (summary?.state === 'done') return run;
    if (summary?.state === 'failed' || summary?.state === 'lost') throw new Error('The calm run failed.');
    await pause(500);
  }
}

const revisionOf = async (page: Page, name: string): Promise<number> =>
  (await callFrom(page, 'project.open', { path: `${name}.espalier.json` })).revision;

/** The lines of a run's metrics, as its training step wrote them. */
function metricsOf(workspace: string, name: string, run: RunId): readonly string[] {
  const folder = join(workspace, '.espalier', name);
  const record = readRecord(join(folder, 'runs', run));
  const step = record?.digest?.folders.find((f) => f.type === 'train');
  if (step === undefined) throw new Error(`The run ${run} has no folder of its training step.`);
  return readFileSync(join(folder, 'steps', step.folder, 'run', 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n');
}

/** Kills the process that draws the page; a new page with the same session opens the project again. */
async function killPage(
  page: Page,
  context: ReturnType<Page['context']>,
  origin: string,
  project: string,
): Promise<Page> {
  const token = await page.evaluate(() => sessionStorage.getItem('espalier.token') ?? '');
  const session = await context.browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error('There is no browser.');
  const crashed = page.waitForEvent('crash');
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  for (const { type, id } of processInfo) if (type === 'renderer') process.kill(id, 'SIGKILL');
  await crashed;
  await session.detach();
  await page.close();
  const next = await context.newPage();
  await next.addInitScript((text) => sessionStorage.setItem('espalier.token', text), token);
  await next.goto(`${origin}/#project=${project}`);
  await waitForApp(next);
  await field(next).waitFor();
  return next;
}
