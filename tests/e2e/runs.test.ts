/** Training as a person sees it: Train, watch, pause, stop, queue, edit meanwhile, compare, restore. */
import { expect, it } from 'vitest';
import { runCommand, useApp } from './harness/index.ts';
import { openDrawer, smallProject, trainButton, trainToResult, untilTrain } from './training.ts';

const app = useApp();
const MINUTES = 240_000;

it(
  'trains to a result and tells its states [train.start, workflow.target, train.baselines, train.end-notice]',
  async () => {
    const { page } = app;
    await app.openDocument(smallProject(app.surroundings, 'small'));
    await untilTrain(page, ['ready']);
    await expect.poll(() => trainButton(page).getAttribute('aria-label')).toBe('Train: train');
    await page.getByRole('button', { name: 'What to run' }).click();
    await page.getByRole('menuitem', { name: 'Train: train' }).waitFor();
    await page.keyboard.press('Escape');
    await trainButton(page).click();
    const preparing = await untilTrain(page, ['preparing']);
    expect(preparing).toMatch(/Preparing - /);
    await untilTrain(page, ['training']);
    await page.locator('.u-wrap canvas').first().waitFor();
    await app.shot('training');
    const result = await untilTrain(page, ['finished']);
    expect(result).toMatch(/0\.\d{3} accuracy \([+-]\d+(\.\d)? over majority\)/);
    await page
      .getByText(/Run 1 finished: 0\.\d{3} accuracy/)
      .first()
      .waitFor();
    await openDrawer(page, 'Runs');
    await page.getByRole('columnheader', { name: 'Majority / untrained' }).waitFor();
    await app.shot('finished');
  },
  MINUTES,
);

it(
  'draws curves, over each axis, with numbers, zoom and files [train.charts]',
  async () => {
    const { page } = app;
    await openDrawer(page, 'Charts');
    const chart = page.getByRole('group', { name: /^Training loss/ });
    await chart.locator('canvas').waitFor();
    await chart.focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^step 1: Run 1 /).waitFor({ state: 'attached' });
    await page.keyboard.press('+');
    await page.getByRole('button', { name: 'Show all' }).click();
    await page.getByRole('radio', { name: 'Seconds' }).click();
    await page.getByRole('radio', { name: 'Steps' }).click();
    const [csv] = await Promise.all([page.waitForEvent('download'), runCommand(page, 'charts.csv')]);
    expect(csv.suggestedFilename()).toBe('curves-1.csv');
    const [png] = await Promise.all([page.waitForEvent('download'), runCommand(page, 'charts.picture')]);
    expect(png.suggestedFilename()).toBe('charts-1.png');
    await page.getByRole('button', { name: 'Numbers instead of pictures' }).click();
    await page.getByRole('table', { name: 'Training loss of the runs' }).waitFor();
    await app.shot('chart-table');
    await page.getByRole('button', { name: 'Numbers instead of pictures' }).click();
  },
  MINUTES,
);

it(
  'keeps a log with levels and a filter [train.log]',
  async () => {
    const { page } = app;
    await openDrawer(page, 'Log');
    const log = page.getByRole('log');
    await log.getByText('The run begins').waitFor();
    await page.getByRole('searchbox', { name: 'Find in the log' }).fill('checkpoint');
    await page.getByText(/^\d+ of \d+ lines$/).waitFor();
    await expect.poll(() => log.getByText('The run begins').count()).toBe(0);
  },
  MINUTES,
);

it(
  'estimates the time and tries one batch [train.estimate, train.dry-run]',
  async () => {
    const { page } = app;
    await runCommand(page, 'run.estimate');
    const estimate = page.getByRole('dialog', { name: 'How long training takes' });
    await estimate.getByText(/steps of/).waitFor({ timeout: 60_000 });
    await estimate.getByText('Where the time of a step goes').waitFor();
    await app.shot('estimate');
    await page.keyboard.press('Escape');
    await runCommand(page, 'run.dryBatch');
    const dry = page.getByRole('dialog', { name: 'Dry run: one batch' });
    await dry.getByText('It works').waitFor({ timeout: 60_000 });
    await page.keyboard.press('Escape');
    await runCommand(page, 'run.dryOverfit');
    const overfit = page.getByRole('dialog', { name: /overfit eight/ });
    await overfit
      .getByText(/Loss from .* to .* in \d+ steps/)
      .first()
      .waitFor({ timeout: 90_000 });
    await app.shot('overfit');
    await page.keyboard.press('Escape');
  },
  MINUTES,
);

it(
  'pauses, resumes and stops; an edit meanwhile is told [train.pause-resume, train.stop, train.snapshot-bar, train.edit-while]',
  async () => {
    const { page } = app;
    await app.openDocument(
      smallProject(app.surroundings, 'long', { train: { maxSteps: 400, epochs: 50, checkpointEvery: 2 } }),
    );
    await untilTrain(page, ['ready']);
    await trainButton(page).click();
    await untilTrain(page, ['training']);
    await page.getByRole('button', { name: 'Pause the run' }).click();
    expect(await untilTrain(page, ['paused'])).toMatch(/Paused at \d+ %/);
    await page.getByRole('button', { name: 'Resume the run' }).click();
    await untilTrain(page, ['training']);
    const project = await projectOf();
    const { revision } = await app.call('project.get', { project });
    await app.call('project.edit', {
      project,
      revision,
      patch: [{ path: ['recipes', 'lora', 'params', 'rank'], value: 4 }],
      label: 'Rank 4',
    });
    const bar = page.getByRole('region', { name: 'Which graph is shown' });
    await bar.getByText(/trains an earlier graph/).waitFor();
    await bar.getByRole('button', { name: '1 change' }).click();
    await page.getByText('Recipe lora: rank 8 → 4').waitFor();
    await page.keyboard.press('Escape');
    await app.shot('snapshot-bar');
    await bar.getByRole('button', { name: "View run's graph" }).click();
    await bar.getByText(/read-only/).waitFor();
    await bar.getByRole('button', { name: 'Back to draft' }).click();
    await page.getByRole('button', { name: 'Stop the run' }).click();
    await untilTrain(page, ['ready']);
    await openDrawer(page, 'Runs');
    await page.getByRole('row').getByText('Stopped').waitFor();
  },
  MINUTES,
);

it(
  'repeats with seeds, sweeps, queues in another order and cancels [train.seeds, train.sweep, train.queue]',
  async () => {
    const { page } = app;
    await app.openDocument(smallProject(app.surroundings, 'many', { train: { maxSteps: 3 } }));
    await untilTrain(page, ['ready']);
    await runCommand(page, 'run.options');
    const dialog = page.getByRole('dialog', { name: 'Train with options' });
    await dialog.getByRole('spinbutton', { name: 'Seeds' }).fill('2');
    await dialog.getByRole('switch', { name: 'Sweep over one parameter' }).click();
    await dialog.getByRole('combobox', { name: 'Parameter' }).click();
    await page
      .getByRole('option', { name: /learning rate/ })
      .first()
      .click();
    await dialog.getByRole('textbox', { name: 'Values' }).fill('0.01, 0.001');
    await dialog.getByText(/^4 runs, one after the other/).waitFor();
    await app.shot('options');
    await dialog.getByRole('button', { name: 'Queue 4 runs' }).click();
    await openDrawer(page, 'Runs');
    const queue = page.getByRole('list', { name: 'Queue' });
    await queue.waitFor();
    const last = queue.getByRole('listitem').last();
    const name = (await last.locator('strong').innerText()).trim();
    await last.getByRole('button', { name: /up$/ }).click();
    await expect
      .poll(async () => (await queue.getByRole('listitem').allInnerTexts()).findIndex((t) => t.includes(name)), {
        timeout: 20_000,
      })
      .toBeLessThan(2);
    await queue
      .getByRole('listitem')
      .last()
      .getByRole('button', { name: /out of the queue/ })
      .click();
    await app.shot('queue');
    await untilTrain(page, ['ready', 'finished'], 180_000);
    await openDrawer(page, 'Charts');
    await page.getByRole('list', { name: 'Runs' }).getByText(/seeds/).first().waitFor();
    await app.shot('seeds');
  },
  MINUTES,
);

it(
  'tells why a run failed and what was kept [train.failure]',
  async () => {
    const { page } = app;
    // The time of a run whose loss is not finite cannot be estimated.
    app.expectProblem(/422/);
    await app.openDocument(
      smallProject(app.surroundings, 'wild', {
        train: { lr: 1e30, clip: 0, schedule: 'constant', warmup: 0, maxSteps: 60 },
      }),
    );
    await untilTrain(page, ['ready']);
    await trainButton(page).click();
    const text = await untilTrain(page, ['failed', 'finished']);
    expect(text).toMatch(/Stopped at step \d+/);
    await openDrawer(page, 'Log');
    await page.getByRole('log').getByRole('img', { name: 'Error' }).first().waitFor();
    await app.shot('failed');
  },
  MINUTES,
);

it(
  'compares, renames, restores, copies and deletes runs [runs.table, runs.compare, runs.changed-settings, runs.disagree, runs.restore, runs.cli-command, runs.rename-delete, runs.matrix-diff]',
  async () => {
    const { page } = app;
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await app.openDocument(smallProject(app.surroundings, 'pair'));
    await trainToResult(page);
    const project = await projectOf();
    const { revision } = await app.call('project.get', { project });
    await app.call('project.edit', {
      project,
      revision,
      patch: [{ path: ['recipes', 'lora', 'params', 'rank'], value: 2 }],
      label: 'Rank 2',
    });
    await untilTrain(page, ['ready']);
    await trainToResult(page);
    await openDrawer(page, 'Runs');
    const table = page.getByRole('table', { name: 'Runs' });
    for (const head of ['Status', 'Recipe', 'Trainable', 'Metric', 'Time', 'Peak memory', 'Seed'])
      await table.getByRole('columnheader', { name: head, exact: true }).waitFor();
    for (const box of await table.getByRole('checkbox').all()) await box.click();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('table', { name: 'Figures of the compared runs' }).waitFor();
    await app.shot('compare');
    await page.getByRole('tab', { name: 'Changed settings' }).click();
    const settings = page.getByRole('table', { name: 'Settings that differ' });
    await settings.getByText('Recipe lora').waitFor();
    await expect.poll(() => settings.locator('tbody tr').count()).toBe(1);
    await page.getByRole('tab', { name: 'Examples they disagree on' }).click();
    await page.getByText(/^of \d+ examples$/).waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Curves' }).click();
    await page
      .getByRole('list', { name: 'Runs' })
      .getByText(/baseline/)
      .waitFor();
    await app.shot('compare-curves');

    await runCommand(page, 'runs.copyCommand');
    await expect
      .poll(() => page.evaluate(() => navigator.clipboard.readText()))
      .toMatch(/espalier.* run .*pair\.espalier\.json/);
    await runCommand(page, 'runs.rename');
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('narrow');
    await page.getByRole('button', { name: 'Rename', exact: true }).click();
    await openDrawer(page, 'Runs');
    await runCommand(page, 'runs.show');
    await table
      .getByText(/narrow/)
      .first()
      .waitFor();
    const first = table.getByRole('row').last();
    await first.getByRole('button', { name: /^More about/ }).click();
    await page.getByRole('menuitem', { name: 'Restore this graph as draft' }).click();
    await expect
      .poll(async () => (await app.call('project.get', { project })).document.recipes['lora' as never])
      .toMatchObject({ params: { rank: 8 } });
    await first.getByRole('button', { name: /^More about/ }).click();
    await page.getByRole('menuitem', { name: 'Difference in the matrix' }).click();
    await page.getByRole('grid').first().waitFor();
    await app.shot('matrix-diff');
    await first.getByRole('button', { name: /^More about/ }).click();
    await page.getByRole('menuitem', { name: /Delete/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete run' }).click();
    await expect.poll(async () => (await app.call('run.list', { project })).length).toBe(1);
  },
  MINUTES,
);

async function projectOf(): Promise<never> {
  const id = new URL(app.page.url()).hash.replace('#project=', '');
  return (id === '' ? await app.page.evaluate(() => sessionStorage.getItem('espalier.project') ?? '') : id) as never;
}
