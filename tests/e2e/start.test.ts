/** The first screen: doors, recent files, templates, dropped files; and the guided first run by mouse. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { addModel, STARTER_ID } from '../../engine/checkpoints/store.ts';
import { starterModelFolder } from '../support/starter.ts';
import { runCommand, useApp } from './harness/index.ts';

const app = useApp({
  fresh: true,
  prepare: async ({ workspace, home }) => {
    copyFileSync(join(root, 'examples', 'first-steps.csv'), join(workspace, 'messages.csv'));
    await addModel(starterModelFolder(), { home, id: STARTER_ID });
  },
});

const project = () => app.page.locator('[data-screen="project"]');
const backToStart = async (): Promise<void> => {
  await runCommand(app.page, 'file.close');
  await app.page.locator('[data-screen="start"]').waitFor();
};

it('shows three doors, templates with help and a way to be guided, never an empty canvas [start.doors, start.templates]', async () => {
  const { page } = app;
  for (const door of ['Tune a text classifier', 'Open a model folder', 'Open a project']) {
    await expect.poll(() => page.locator('[data-door]').filter({ hasText: door }).isVisible()).toBe(true);
  }
  await expect.poll(() => page.locator('.react-flow').count()).toBe(0);
  const { templates } = await app.call('app.catalog', {});
  expect(templates.length).toBeGreaterThanOrEqual(8);
  for (const { name, help } of templates) {
    await expect.poll(() => page.locator(`[data-template="${name}"]`).textContent()).toContain(help);
  }
  await expect.poll(() => page.getByRole('button', { name: 'Guide me' }).isVisible()).toBe(true);
});

it('tunes a file of the workspace: columns are recognised, the project opens [start.tune, file.new, data.choose]', async () => {
  const { page } = app;
  await page.locator('[data-door]').filter({ hasText: 'Tune a text classifier' }).click();
  const dialog = page.getByRole('dialog', { name: 'New project' });
  await expect
    .poll(() => dialog.getByRole('button', { name: 'Create the project' }).getAttribute('aria-disabled'))
    .toBe('true');
  await dialog.getByRole('button', { name: 'Choose a file' }).click();
  await page.getByRole('button', { name: 'messages.csv' }).click();
  await page.getByRole('dialog', { name: 'Choose data' }).getByRole('button', { name: 'Open', exact: true }).click();
  await dialog.getByText('classification').first().waitFor();
  await expect.poll(() => dialog.getByRole('combobox', { name: 'Text column' }).textContent()).toContain('text');
  await expect.poll(() => dialog.getByRole('combobox', { name: 'Label column' }).textContent()).toContain('label');
  await dialog.getByRole('button', { name: 'Create the project' }).click();
  await project().waitFor();
  await page.locator('[data-step="train"]').waitFor();
  await expect.poll(() => page.getByRole('textbox', { name: 'Title of the document' }).inputValue()).not.toBe('');
  await backToStart();
}, 120_000);

it('opens a template, and then the same file from the recent ones [start.templates, start.recent]', async () => {
  const { page } = app;
  await page.locator('[data-template]').first().click();
  await project().waitFor();
  const title = await page.getByRole('textbox', { name: 'Title of the document' }).inputValue();
  await backToStart();
  await page.getByRole('region', { name: 'Recent' }).getByRole('button').first().click();
  await project().waitFor();
  await expect.poll(() => page.getByRole('textbox', { name: 'Title of the document' }).inputValue()).toBe(title);
  await backToStart();
}, 120_000);

it('opens a project by the dialog over the workspace [start.open-project]', async () => {
  const { page } = app;
  const file = app.example('first-steps');
  await page.locator('[data-door]').filter({ hasText: 'Open a project' }).click();
  const dialog = page.getByRole('dialog', { name: 'Open a project' });
  const other = dialog.getByRole('button', { name: 'messages.csv' });
  await expect.poll(() => other.getAttribute('aria-disabled')).toBe('true');
  await dialog.getByRole('button', { name: file }).dblclick();
  await project().waitFor();
  await backToStart();
}, 120_000);

it('opens a document that is dropped on the window [start.open-project]', async () => {
  const { page } = app;
  const text = JSON.stringify({ format: 'espalier', version: 1, title: 'dropped here', models: {} });
  await page.evaluate((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'dropped.espalier.json', { type: 'application/json' }));
    const target = document.querySelector('[data-screen]');
    for (const type of ['dragenter', 'dragover', 'drop']) {
      target?.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
  }, text);
  await project().waitFor();
  await expect
    .poll(() => page.getByRole('textbox', { name: 'Title of the document' }).inputValue())
    .toBe('dropped here');
  await backToStart();
}, 120_000);

it('adds a model folder of the workspace and shows its layers as a graph [start.model-folder]', async () => {
  const { page } = app;
  const folder = join(app.workspace, 'tiny');
  const { cpSync } = await import('node:fs');
  cpSync(starterModelFolder(), folder, { recursive: true });
  writeFileSync(join(app.workspace, 'note.txt'), 'not a model');
  await page.locator('[data-door]').filter({ hasText: 'Open a model folder' }).click();
  const dialog = page.getByRole('dialog', { name: 'Open a model folder' });
  await dialog.getByRole('button', { name: /^tiny/ }).click();
  await dialog.getByRole('button', { name: 'Choose this folder' }).click();
  await project().waitFor({ timeout: 90_000 });
  await page.locator('.react-flow__node').first().waitFor();
  await backToStart();
}, 180_000);

it('leads through four steps, each done for the person, to a trained model [start.guided-run, start.do-it-for-me]', async () => {
  const { page } = app;
  await page
    .getByRole('button', { name: /Guide me|Guided first run/ })
    .first()
    .click();
  const card = page.getByRole('complementary', { name: 'Guided first run' });
  for (const step of ['backbone', 'data', 'method', 'train']) {
    await page.locator(`[data-guide="${step}"]`).waitFor({ timeout: 90_000 });
    await card.getByRole('button', { name: 'Do it for me' }).click();
  }
  await page.locator('[data-guide="finished"]').waitFor({ timeout: 400_000 });
  await expect.poll(() => card.textContent()).toMatch(/0\.\d+ (accuracy|macro F1)/);
  await expect.poll(() => page.locator('[data-step="train"]').getAttribute('aria-label')).toContain('trained');
  await app.shot('guide-finished');
  await card.getByRole('button', { name: 'Try it' }).click();
  await page.getByRole('tab', { name: 'Try it' }).and(page.locator('[data-state="active"]')).waitFor();
  await backToStart();
}, 600_000);

it('Escape leaves the guide and keeps the work; it goes on where it was [start.leave-guide]', async () => {
  const { page } = app;
  await runCommand(page, 'help.guide');
  await page
    .getByRole('complementary', { name: 'Guided first run' })
    .getByRole('button', { name: 'Do it for me' })
    .click();
  await page.locator('[data-guide="data"]').waitFor({ timeout: 90_000 });
  await page.keyboard.press('Escape');
  await page.locator('[data-guide]').waitFor({ state: 'detached' });
  await expect.poll(() => page.locator('.react-flow__node').count()).toBeGreaterThan(5);
  await runCommand(page, 'help.guide');
  await page.locator('[data-guide="data"]').waitFor();
  await page.keyboard.press('Escape');
  expect((await app.call('app.settings', {})).firstRunDone).toBe(true);
}, 180_000);
