/** The code view: exported code that follows the selection, the document as JSON, custom nodes with consent and sandbox. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { LORA } from '../engine/sandbox/twinNodes.ts';
import { nodeWith } from '../engine/sandbox/hostileNodes.ts';
import { runCommand, useApp } from './harness/index.ts';

const FOREIGN = LORA.replaceAll('custom.lora', 'custom.foreign');

const app = useApp({
  prepare: ({ workspace }) => {
    for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
      copyFileSync(join(root, 'examples', file), join(workspace, file));
    // What somebody sent: a source in the folder, and a document that uses it.
    mkdirSync(join(workspace, 'custom-nodes'));
    writeFileSync(join(workspace, 'custom-nodes', 'foreign.ts'), FOREIGN);
    const text = readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8');
    writeFileSync(
      join(workspace, 'foreign.espalier.json'),
      text.replaceAll('"peft.lora"', '"custom.foreign"').replace('lora on first-steps.csv', 'with a foreign node'),
    );
  },
});

const view = (): Locator => app.page.locator('[data-area="code"]');
const lines = (): Locator => view().locator('.view-lines');
const button = (name: string): Locator => view().getByRole('button', { name, exact: true });

/** Replaces the whole text of the code editor, as a paste does. */
async function replaceText(text: string): Promise<void> {
  await lines().click();
  await app.page.keyboard.press('Control+a');
  await app.page.keyboard.insertText(text);
}

/** Makes a new node and gives its name, once its source is the one that is shown: until then it is the one before. */
async function newNode(): Promise<string> {
  const field = view().getByRole('textbox', { name: 'Name', exact: true });
  const shown = async (): Promise<string> => ((await field.count()) > 0 ? field.inputValue() : '');
  await runCommand(app.page, 'code.custom');
  const before = await shown();
  await runCommand(app.page, 'code.newCustom');
  await expect.poll(shown).not.toBe(before);
  await lines().getByText('defineNode').first().waitFor();
  return shown();
}

it('the exported code follows the selection, selects what is clicked and is downloaded [code.exported]', async () => {
  await app.openDocument(app.example('first-steps'));
  await runCommand(app.page, 'code.exported');
  await lines().getByText('A model written by Espalier').waitFor();
  await app.shot('exported');
  await runCommand(app.page, 'code.document');
  await runCommand(app.page, 'code.exported');
  await lines().waitFor();
  // A person looks for a class and clicks into it.
  await lines().click();
  await app.page.keyboard.press('Control+f');
  await app.page.keyboard.insertText('self.lora_attn_query =');
  await app.page.keyboard.press('Enter');
  await app.page.keyboard.press('Escape');
  await lines().getByText('self.lora_attn_query = Lora(').first().click();
  await app.page.locator('[class*="markEdge"]').first().waitFor();
  await app.page.getByText('lora_attn_query', { exact: false }).first().waitFor();
  await app.shot('exported-selected');
  const [download] = await Promise.all([app.page.waitForEvent('download'), button('Download').click()]);
  expect(download.suggestedFilename()).toMatch(/\.py$/);
}, 180_000);

it('the document is edited as JSON with its schema, and applying it is one step of undo [code.document]', async () => {
  await runCommand(app.page, 'code.document');
  await lines().getByText('"title"').first().waitFor();
  const saved = (): string => readFileSync(join(app.workspace, 'first-steps.espalier.json'), 'utf8');
  await lines().click();
  await app.page.keyboard.press('Control+Home');
  for (let i = 0; i < 3; i++) await app.page.keyboard.press('ArrowDown');
  await app.page.keyboard.press('End');
  for (let i = 0; i < 2; i++) await app.page.keyboard.press('ArrowLeft');
  await app.page.keyboard.insertText(' by hand');
  await view().getByText('1 place changed, not applied yet').waitFor();
  await app.shot('document-edited');
  await button('Apply').click();
  await expect.poll(saved, { timeout: 20_000 }).toContain('"title": "lora on first-steps.csv by hand"');
  // A text that is no document is refused with the place.
  await lines().click();
  await app.page.keyboard.press('Control+Home');
  await app.page.keyboard.insertText('nonsense ');
  await view()
    .getByText(/problems?, line 1/)
    .waitFor();
  await expect.poll(() => button('Apply').getAttribute('aria-disabled')).toBe('true');
  await app.shot('document-broken');
  await button('Discard').click();
  await runCommand(app.page, 'edit.undo');
  await expect.poll(saved, { timeout: 20_000 }).toContain('"title": "lora on first-steps.csv"');
}, 120_000);

it('a custom node is written with types and completion, tried, saved and used [code.custom-node]', async () => {
  const name = await newNode();
  await button('Try').click();
  await view().getByText('f32[B,T,384]').first().waitFor({ timeout: 100_000 });
  await app.shot('custom-tried');
  // A mistake of type is marked while it is written.
  await lines().click();
  await app.page.keyboard.press('Control+End');
  await app.page.keyboard.insertText("\nconst wrong: number = 'text';\nconst size = wid");
  await view().locator('.squiggly-error').first().waitFor({ timeout: 60_000 });
  await app.page.keyboard.press('Control+Space');
  await app.page.locator('.suggest-widget').getByText('widthOf').first().waitFor({ timeout: 60_000 });
  await app.shot('custom-completion');
  await app.page.keyboard.press('Escape');
  await replaceText(LORA.replaceAll('custom.lora', `custom.${name}`));
  await button('Save').click();
  await view().getByText('Saved and in the palette').waitFor({ timeout: 100_000 });
  await app.shot('custom-saved');
  const { nodes } = await app.call('app.catalog', {});
  expect(nodes.map((n) => n.type)).toContain(`custom.${name}`);
  await button('Use on canvas').click();
  await app.page
    .locator(`[data-id$="${name.replaceAll('-', '_')}"]`)
    .first()
    .waitFor();
  await runCommand(app.page, 'edit.undo');
}, 240_000);

it('a source that nobody saved is there again in the next window, until it is removed [code.custom-node]', async () => {
  const { page } = app;
  const name = await newNode();
  expect(name).toMatch(/^my-node-\d$/);
  await replaceText('// half a thought');
  const draft = async (): Promise<string | undefined> => (await app.call('custom.drafts', {}))[name];
  await expect.poll(draft).toBe('// half a thought');
  await page.reload();
  await runCommand(page, 'code.custom');
  await view()
    .getByRole('button', { name: new RegExp(name) })
    .first()
    .click();
  await lines().getByText('half a thought').waitFor();
  await view().getByText('Not saved', { exact: true }).first().waitFor();
  await button(`Remove ${name}`).click();
  await expect.poll(draft).toBeUndefined();
}, 120_000);

it('unknown code is shown for consent, and trains once it is allowed [code.consent, code.custom-node]', async () => {
  await app.openDocument('foreign.espalier.json');
  await runCommand(app.page, 'code.custom');
  await view()
    .getByRole('button', { name: /foreign/ })
    .click();
  await view().getByText('This source has not been allowed on this machine').waitFor();
  await button('Read and allow').click();
  const dialog = app.page.getByRole('dialog');
  await dialog.locator('.view-lines').getByText('additive').first().waitFor();
  await expect.poll(() => dialog.getByText(/^[0-9a-f]{64}$/).textContent()).toHaveLength(64);
  await app.shot('consent');
  await dialog.getByRole('checkbox').click();
  await dialog.getByRole('button', { name: 'Allow this source' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { nodes } = await app.call('app.catalog', {});
  expect(nodes.map((n) => n.type)).toContain('custom.foreign');
  const [opened] = [await app.call('project.open', { path: 'foreign.espalier.json' })];
  const check = await app.call('check.now', { project: opened.project, revision: opened.revision, phase: 'findings' });
  expect(check.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  expect(check.models[0]?.totals.trainable).toBeGreaterThan(70_000);
  const dry = await app.call('run.dry', { project: opened.project, revision: opened.revision, kind: 'batch' });
  expect(dry.ok, dry.words).toBe(true);
}, 240_000);

it('a custom node that never ends is stopped with a message [code.custom-hostile]', async () => {
  const name = await newNode();
  await replaceText(nodeWith({ build: 'for (;;);' }).replace('custom.good', `custom.${name}`));
  await button('Try').click();
  await view()
    .getByText(/did not answer within/)
    .first()
    .waitFor({ timeout: 100_000 });
  await app.shot('hostile');
}, 120_000);
