/** Source banks, for-each tables and recipes in the real app. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Locator } from 'playwright-core';
import { root } from '../../build/setup.mjs';
import { onDisk, runCommand, useApp } from './harness/index.ts';
import { sourcesDocument } from './support/sourcesDocument.ts';

let opened = 0;
let file = '';
const app = useApp({
  prepare: ({ workspace }) => {
    for (const data of ['first-steps.csv', 'first-steps.eval.csv'])
      copyFileSync(join(root, 'examples', data), join(workspace, data));
  },
});
const inspector = (): Locator => app.page.getByTestId('inspector');
const dialog = (name: string): Locator => app.page.getByRole('dialog', { name });

async function open(): Promise<void> {
  file = `sources-${opened++}.espalier.json`;
  writeFileSync(join(app.workspace, file), JSON.stringify(sourcesDocument()));
  await app.openDocument(file);
  await app.page.getByTestId('inspector').waitFor();
}

describe('sources', () => {
  it('are items of a for-each step, edited as a table [sources.for-each]', async () => {
    await open();
    await runCommand(app.page, 'view.workflow');
    await app.page
      .locator('.react-flow__node[data-id="sources"]')
      .first()
      .click({ position: { x: 30, y: 8 } });
    await inspector().getByText('2 run').waitFor();
    await runCommand(app.page, 'sources.items');
    const table = dialog('For each source').getByRole('table', { name: 'Items' });
    await table.getByRole('button', { name: 'Duplicate second' }).click();
    await table.getByRole('textbox', { name: 'Name of second_2' }).fill('third');
    await table.getByRole('textbox', { name: 'Name of second_2' }).press('Enter');
    await table.getByRole('textbox', { name: 'Name of third' }).waitFor();
    await app.shot('for-each');
    await app.page.keyboard.press('Escape');
    await inspector().getByText('3 run').waitFor();
  });

  it('fill a bank, whose rows show origin, layers and problems [sources.bank]', async () => {
    await open();
    await runCommand(app.page, 'sources.list');
    const table = dialog('Source banks').getByRole('table', { name: 'Sources of sources' });
    await table.getByRole('textbox', { name: 'Layers of first' }).fill('some');
    await table.getByRole('textbox', { name: 'Layers of first' }).press('Enter');
    await table.getByText('is no layer selection').waitFor();
    await table.getByRole('textbox', { name: 'Layers of first' }).fill('0-3');
    await table.getByRole('textbox', { name: 'Layers of first' }).press('Enter');
    await table.getByRole('switch', { name: 'Use second' }).click();
    await app.shot('bank');
    await app.page.keyboard.press('Escape');
    await runCommand(app.page, 'file.save');
    await expect
      .poll(() => (onDisk(app, file) as { banks: { sources: { sources: unknown[] } } }).banks.sources.sources)
      .toMatchObject([
        { name: 'first', layers: '0-3' },
        { name: 'second', mute: true },
      ]);
  });

  it('are attached to a model by ScaLearn, wired by one thick wire [sources.thick-wire]', async () => {
    await open();
    await runCommand(app.page, 'sources.attach');
    const wizard = dialog('Attach sources to a model');
    await wizard.getByText('Sources: first, second.').waitFor();
    await app.shot('attach');
    await wizard.getByRole('button', { name: 'Attach', exact: true }).click();
    await wizard.waitFor({ state: 'hidden' });
    await runCommand(app.page, 'view.matrix');
    const series = app.page
      .getByRole('row')
      .filter({ has: app.page.getByRole('button', { name: 'FFN, in series', exact: true }) });
    await expect.poll(async () => (await series.locator('[data-column="0"]').innerText()).trim()).toMatch(/S/);
    await runCommand(app.page, 'edit.undo');
    await expect
      .poll(async () => (await series.locator('[data-column="0"] [data-drawn]').innerText()).trim())
      .toBe('·');
  });
});

describe('recipes', () => {
  it('are listed with their users, duplicated, cut and deleted when unused [recipe.badge, recipe.independent]', async () => {
    await app.openDocument(app.example('first-steps'));
    await runCommand(app.page, 'recipes.list');
    const list = dialog('Recipes');
    await list.getByRole('button', { name: '2 users' }).waitFor();
    await list.getByRole('button', { name: 'Duplicate recipe A' }).click();
    await list.getByRole('button', { name: 'Delete 1 unused recipe' }).click();
    await expect.poll(() => list.getByRole('row').count()).toBe(2);
    await list.getByRole('button', { name: 'Make all users of recipe A independent' }).click();
    await list.getByRole('button', { name: '0 users' }).waitFor();
    await app.shot('recipes');
    await app.page.keyboard.press('Escape');
    await runCommand(app.page, 'edit.undo');
  });
});
