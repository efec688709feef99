/** A run whose process is killed while it trains: what the page says, what was kept, and that it goes on to the end. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { useApp } from './harness/index.ts';
import { openDrawer, smallProject, trainButton, untilTrain } from './training.ts';

const app = useApp();
const STEPS = 40;

/** Processes of the machine that the service started and whose command line says that they run a document. */
function runProcesses(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        const isRun = words.includes('run') && words.includes('--events');
        return state !== 'Z' && Number(parent) === app.service.pid && isRun ? [Number(pid)] : [];
      } catch {
        // It ended while it was looked at.
        return [];
      }
    });
}

it('a run whose process is killed is told with what was kept, and resumes to the end [file.run-killed]', async () => {
  const { page } = app;
  const train = { maxSteps: STEPS, epochs: 50, checkpointEvery: 2 };
  const file = smallProject(app.surroundings, 'killed', { train });
  await app.openDocument(file);
  const { project } = await app.call('project.open', { path: file });
  const summary = async () => (await app.call('run.list', { project }))[0];
  await untilTrain(page, ['ready']);
  await trainButton(page).click();
  await untilTrain(page, ['training']);
  await expect.poll(async () => (await summary())?.step ?? 0, { timeout: 120_000 }).toBeGreaterThanOrEqual(5);
  const found = runProcesses();
  expect(found).toHaveLength(1);
  process.kill(found[0] ?? 0, 'SIGKILL');

  // What happened and what was kept: in the header, in a notice with a way on, in the table and in the log.
  const words = await untilTrain(page, ['failed']);
  expect(words).toMatch(/Stopped at step \d+: The run's process is gone without a word; it was killed/);
  const kept = Number(/The checkpoint of step (\d+) is kept\./.exec(words)?.[1]);
  expect(kept).toBeGreaterThanOrEqual(2);
  expect(kept).toBeLessThan(STEPS);
  const notice = page.getByText(new RegExp(`^Run 1 stopped at step \\d+: .*The checkpoint of step ${kept} is kept`));
  await notice.first().waitFor();
  await page.getByRole('button', { name: 'Resume', exact: true }).first().waitFor();
  await openDrawer(page, 'Runs');
  await page.getByRole('table', { name: 'Runs' }).getByText('Lost').waitFor();
  await openDrawer(page, 'Log');
  await page
    .getByRole('log')
    .getByText(/The run's process is gone without a word/)
    .first()
    .waitFor();
  await app.shot('lost');
  expect(await summary()).toMatchObject({ state: 'lost' });

  // The same run goes on from the checkpoint; no step is missing, and none before the checkpoint was done again.
  await page.getByRole('button', { name: 'Resume from the last checkpoint' }).click();
  await untilTrain(page, ['queued', 'preparing', 'training']);
  expect(await untilTrain(page, ['finished', 'failed'], 240_000)).toMatch(/0\.\d{3} accuracy/);
  await app.shot('resumed');
  const runs = await app.call('run.list', { project });
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({ state: 'done', number: 1, step: STEPS, steps: STEPS });
  const { points } = await app.call('run.points', { run: runs[0]?.run as never, after: 0 });
  const steps = points.flatMap((p) => (p.kind === 'step' ? [p.step] : []));
  expect([...new Set(steps)]).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
  expect(steps.filter((step) => step <= kept)).toHaveLength(kept);
  const log = points.flatMap((p) => (p.kind === 'log' ? [p.text] : []));
  expect(log).toContain(`Goes on after step ${kept}`);
  expect(runProcesses()).toEqual([]);
}, 600_000);
