/** Data: rows, columns, checks, other files, rows that cannot be read. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { runCommand, useApp } from './harness/index.ts';
import { openDrawer, smallProject, untilTrain } from './training.ts';

const app = useApp();
const MINUTES = 180_000;

it(
  'shows rows and what columns are taken for, and changes it [data.preview, data.choose]',
  async () => {
    const { page } = app;
    await app.openDocument(smallProject(app.surroundings, 'small'));
    await untilTrain(page, ['ready']);
    await openDrawer(page, 'Data');
    const rows = page.getByRole('table', { name: 'Rows of data' });
    await rows.getByText('Do you know why my tomatoes have black bottoms?').waitFor({ timeout: 60_000 });
    await page.getByText('400 rows').waitFor();
    await rows.focus();
    await page.keyboard.press('PageDown');
    await page.keyboard.press('PageDown');
    await app.shot('rows');
    await rows.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await rows.getByRole('rowheader', { name: '400', exact: true }).waitFor();
    await expect.poll(async () => rows.getByText('…', { exact: true }).count()).toBe(0);
    await page.getByRole('combobox', { name: 'Data step' }).click();
    await page.getByRole('option', { name: /eval/i }).click();
    await page.getByText('100 rows').waitFor({ timeout: 60_000 });

    writeFileSync(join(app.workspace, 'more.csv'), 'id,text,label\n1,"one, two",a\n2,three,b\n3,four,a\n');
    await page.getByRole('button', { name: 'Other file' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Upload').setInputFiles(join(app.workspace, 'more.csv'));
    await page.getByRole('table', { name: 'Rows of eval' }).getByText('one, two').waitFor({ timeout: 60_000 });
    await page
      .getByRole('button', { name: /^label label$/ })
      .first()
      .click();
    await page.getByRole('menuitemcheckbox', { name: 'Do not use' }).click();
    await page.getByRole('button', { name: /id/ }).last().waitFor();
    await runCommand(page, 'edit.undo');
    await page
      .getByRole('button', { name: /^label label$/ })
      .first()
      .waitFor();
    await app.shot('other-file');
  },
  MINUTES,
);

it(
  'checks balance, repeats, leaks and lengths, with what to do [data.checks]',
  async () => {
    const { page } = app;
    // The head has four labels and this data two, so the time cannot be estimated.
    app.expectProblem(/422/);
    const text =
      'This text is long enough to be cut, since it goes on and on about tomatoes, roses and the weather of May.';
    const lines = [
      'text,label',
      ...Array.from({ length: 40 }, (_, i) => `"${text} ${i}",${i < 38 ? 'often' : 'rarely'}`),
    ];
    writeFileSync(join(app.workspace, 'uneven.csv'), [...lines, lines[1], lines[1]].join('\n'));
    const file = smallProject(app.surroundings, 'uneven', { train: { maxLength: 16 } });
    copyFileSync(join(app.workspace, 'uneven.csv'), join(app.workspace, 'first-steps.csv'));
    copyFileSync(join(app.workspace, 'uneven.csv'), join(app.workspace, 'first-steps.eval.csv'));
    await app.openDocument(file);
    await runCommand(page, 'data.checks');
    const findings = page.getByRole('list', { name: 'Findings' });
    await findings.getByText('Class "rarely" is rare').waitFor({ timeout: 90_000 });
    await findings.getByText('2 rows repeat an earlier text').waitFor();
    await findings.getByText(/of the evaluation are in the training data/).waitFor();
    await findings.getByText(/of the texts are cut at 16 tokens/).waitFor();
    await page.getByRole('list', { name: 'Rows of each label' }).getByText('often').waitFor();
    await app.shot('checks');
    await findings.getByRole('button', { name: /^Set the limit to \d+ tokens/ }).click();
    await findings.getByText('No text is cut').waitFor({ timeout: 90_000 });
    for (const name of ['first-steps.csv', 'first-steps.eval.csv'])
      copyFileSync(join(root, 'examples', name), join(app.workspace, name));
  },
  MINUTES,
);

it(
  'lists rows that cannot be read with file, line and reason [data.problem-rows]',
  async () => {
    const { page } = app;
    const file = smallProject(app.surroundings, 'broken');
    writeFileSync(
      join(app.workspace, 'first-steps.csv'),
      'text,label\nfine,order\n"broken\nshort\nalso fine,praise,extra\n',
    );
    app.expectProblem(/422/);
    await app.openDocument(file);
    await openDrawer(page, 'Data');
    await page
      .getByText(/first-steps\.csv/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page
      .locator('[aria-label="Data"]')
      .getByText(/row \d|line \d|quote|cells/)
      .first()
      .waitFor({ timeout: 60_000 });
    await app.shot('broken');
  },
  MINUTES,
);

it(
  'locates a file that is missing [data.relocate]',
  async () => {
    const { page } = app;
    const file = smallProject(app.surroundings, 'lost');
    writeFileSync(join(app.workspace, 'elsewhere.csv'), 'text,label\nfine,order\nbad,praise\n');
    rmSync(join(app.workspace, 'first-steps.eval.csv'));
    app.expectProblem(/422/);
    await app.openDocument(file);
    await runCommand(page, 'data.show');
    await runCommand(page, 'data.next');
    await page.getByRole('button', { name: 'Locate...' }).first().click();
    await page.getByRole('dialog').getByLabel('Upload').setInputFiles(join(app.workspace, 'elsewhere.csv'));
    const rows = page.getByRole('table', { name: 'Rows of eval' });
    await rows.getByText('fine').waitFor({ timeout: 60_000 });
  },
  MINUTES,
);
