/** What came out of a run: confusion, examples, what changed, files, and trying the model out. */
import { readFileSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand, useApp } from './harness/index.ts';
import { openDrawer, smallProject, trainToResult, untilTrain } from './training.ts';

const app = useApp();
const MINUTES = 240_000;

it(
  'shows confusion, and the examples of a cell by loss [results.confusion, results.by-loss]',
  async () => {
    const { page } = app;
    await app.openDocument(smallProject(app.surroundings, 'result'));
    await trainToResult(page);
    await page.getByRole('button', { name: /^Results of run 1/ }).click();
    await page.getByText('Evaluated rows').waitFor({ timeout: 60_000 });
    await app.shot('summary');
    await page.getByRole('tab', { name: 'Confusion and classes' }).click();
    const grid = page.getByRole('grid', { name: 'Confusion matrix' });
    await grid.getByRole('button').first().focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.getByRole('radio', { name: 'Share of row' }).click();
    await grid
      .getByText(/^\d+ %$/)
      .first()
      .waitFor();
    await app.shot('confusion');
    const cell = grid.locator('[data-cell="1.1"]');
    const count = /: (\d+) of/.exec((await cell.getAttribute('aria-label')) ?? '')?.[1] ?? '';
    await cell.click();
    await page.getByText(new RegExp(`^${count} of 100 examples$`)).waitFor();
    await page.getByRole('button', { name: 'order answered as order' }).click();
    await page.getByText('100 examples').waitFor();
    await page.getByRole('searchbox', { name: 'Find in texts' }).fill('zzz');
    await page.getByText('No example fits').waitFor();
    await page.getByRole('button', { name: 'Show all examples' }).click();
    await app.shot('examples');
  },
  MINUTES,
);

it(
  'maps what training changed [results.update-map]',
  async () => {
    const { page } = app;
    await page.getByRole('tab', { name: 'What training changed' }).click();
    const map = page.getByRole('table', { name: 'Updates per layer and module' });
    await map.getByRole('columnheader', { name: '5' }).waitFor({ timeout: 60_000 });
    await map.getByRole('rowheader', { name: 'head' }).waitFor();
    await app.shot('updates');
  },
  MINUTES,
);

it(
  'exports the adapter and PEFT files [results.export]',
  async () => {
    const { page } = app;
    await page.getByRole('tab', { name: 'Files', exact: true }).click();
    const [adapter] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Adapter', exact: true }).click(),
    ]);
    expect(adapter.suggestedFilename()).toMatch(/safetensors|zip/);
    const [peft] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Hugging Face PEFT folder' }).click(),
    ]);
    expect(peft.suggestedFilename()).toMatch(/zip/);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page
        .getByRole('button', { name: /^Download / })
        .first()
        .click(),
    ]);
    expect(readFileSync(await file.path()).length).toBeGreaterThan(0);
  },
  MINUTES,
);

it(
  'answers texts, with what was tried before [results.try-it]',
  async () => {
    const { page } = app;
    await runCommand(page, 'try.show');
    const box = page.getByRole('textbox', { name: 'Text', exact: true });
    await box.fill('Which herbs grow in the shade?\nThe roses came broken.');
    await page.keyboard.press('Control+Enter');
    await expect.poll(async () => page.getByRole('list', { name: 'Scores' }).count(), { timeout: 60_000 }).toBe(2);
    await app.shot('try');
    await box.fill('another');
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.getByRole('menuitem', { name: /Which herbs/ }).click();
    await expect.poll(() => box.inputValue()).toContain('The roses came broken.');
  },
  MINUTES,
);

it(
  'predicts a file to csv [results.predict-file]',
  async () => {
    const { page } = app;
    const file = join(app.workspace, 'questions.csv');
    writeFileSync(file, 'text\nWhich herbs grow in the shade?\nThe roses came broken.\n');
    await runCommand(page, 'try.predictFile');
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Choose file' }).click(),
    ]);
    const [download] = await Promise.all([page.waitForEvent('download', { timeout: 90_000 }), chooser.setFiles(file)]);
    expect(readFileSync(await download.path(), 'utf8')).toContain('Which herbs grow in the shade?');
    await page.getByText('2 rows predicted').waitFor();
    await page.keyboard.press('Escape');
  },
  MINUTES,
);

it(
  'maps learnt weights of sources [results.source-weights]',
  async () => {
    const { page } = app;
    const opened = await app.call('project.new', { name: 'mix', from: { kind: 'template', template: 'scalearn' } });
    const { project, revision, document } = opened;
    const sources = Object.entries(document.workflow.nodes).find(([, step]) => step.type === 'for-each')?.[0] ?? '';
    const inner = Object.entries(document.workflow.nodes[sources as never]?.['body']?.['nodes'] ?? {}).find(
      ([, step]) => (step as { type: string }).type === 'train',
    )?.[0];
    const top = Object.entries(document.workflow.nodes).find(([, step]) => step.type === 'train')?.[0] ?? '';
    const quick = (path: readonly string[]) => [
      { path: [...path, 'params', 'maxSteps'], value: 2 },
      { path: [...path, 'params', 'maxLength'], value: 16 },
    ];
    await app.call('project.edit', {
      project,
      revision,
      patch: [
        ...quick(['workflow', 'nodes', top]),
        ...quick(['workflow', 'nodes', sources, 'body', 'nodes', inner ?? '']),
      ],
      label: 'Few steps',
    });
    await page.goto(`${new URL(page.url()).origin}/#project=${project}`);
    await page.reload();
    await untilTrain(page, ['ready']);
    await trainToResult(page);
    await openDrawer(page, 'Runs');
    await runCommand(page, 'runs.updates');
    await page
      .getByText(/^Learnt weights of sources/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page.getByRole('columnheader', { name: 'tone' }).first().waitFor();
    await app.shot('sources');
  },
  MINUTES,
);
