/** The whole way by keyboard: Start, a plain project, LoRA on query and value, training, the result. No mouse at all. */
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import { focusOf, onDisk, runCommand, tabTo, useApp } from './harness/index.ts';
import { untilTrain } from './training.ts';

const app = useApp();

/** Counts what a pointer does in the page, so that the test proves that it used none. */
async function watchPointer(): Promise<() => Promise<number>> {
  const { page } = app;
  await page.evaluate(() => {
    document.body.dataset['pointer'] = '0';
    for (const type of ['pointerdown', 'pointermove', 'wheel'])
      addEventListener(
        type,
        () => (document.body.dataset['pointer'] = String(Number(document.body.dataset['pointer']) + 1)),
        true,
      );
  });
  return () => page.evaluate(() => Number(document.body.dataset['pointer']));
}

/** Presses F6 until the focus is in a part of the window. */
async function goToPart(name: string): Promise<void> {
  const part = app.page.locator(`[data-region="${name}"]`);
  for (let i = 0; i < 8; i++) {
    if (await part.evaluate((e) => e.contains(document.activeElement))) return;
    await app.page.keyboard.press('F6');
  }
  throw new Error(`F6 did not reach ${name}; the focus is on ${await focusOf(app.page)}.`);
}

it('builds LoRA on query and value from Start and trains it to a result, by keys alone [keys.only]', async () => {
  const { page } = app;
  const pointed = await watchPointer();

  // The first door has the focus on Start.
  const door = page.locator('[data-door]').filter({ hasText: 'Tune a text classifier' });
  await expect.poll(() => door.evaluate((e) => e === document.activeElement)).toBe(true);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'New project' });
  await dialog.waitFor();

  // A project without any module: the method is chosen in the list by its first letters.
  const method = dialog.getByRole('combobox', { name: 'Method' });
  await tabTo(page, method);
  await page.keyboard.press('Enter');
  await page.getByRole('listbox', { name: 'Method' }).waitFor();
  await page.keyboard.type('head');
  await page.keyboard.press('Enter');
  await expect.poll(() => method.textContent()).toContain('Head only');
  await tabTo(page, dialog.getByRole('button', { name: 'Take the sample' }));
  await page.keyboard.press('Enter');
  await dialog.getByText('classification').first().waitFor();
  await tabTo(page, dialog.getByRole('spinbutton', { name: 'Epochs' }));
  await page.keyboard.press('Control+a');
  await page.keyboard.type('2');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('by keys');
  const create = dialog.getByRole('button', { name: 'Create the project' });
  await expect.poll(() => create.getAttribute('aria-disabled')).not.toBe('true');
  await tabTo(page, create);
  await page.keyboard.press('Enter');
  await page.locator('[data-screen="project"]').waitFor();
  const node = (id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
  await node('layers/query').waitFor();
  await expect.poll(() => page.locator('[data-chip]').count()).toBe(0);
  const file = 'by keys.espalier.json';
  expect((onDisk(app, file) as Document).recipes).toEqual({});

  // Query and value are found by their sites and get one LoRA.
  await goToPart('canvas');
  await page.keyboard.press('a');
  const search = page.getByRole('dialog', { name: /Add/ });
  await search.waitFor();
  await page.keyboard.type('site:attn.q,attn.v lora');
  await search.getByText('2 nodes fit the query').waitFor();
  await page.keyboard.press('Enter');
  for (const id of ['layers/query', 'layers/value'])
    await expect.poll(() => node(id).locator('[data-chip]').textContent()).toContain('LoRA');
  await expect.poll(() => node('layers/key').locator('[data-chip]').count()).toBe(0);
  await expect
    .poll(() => page.locator('[data-region="status"]').textContent(), { timeout: 60_000 })
    .toMatch(/73,728 trainable/);
  await app.shot('built');

  // Training, and its result.
  await untilTrain(page, ['ready']);
  await page.keyboard.press('Control+Enter');
  await untilTrain(page, ['preparing', 'training', 'queued']);
  const result = await untilTrain(page, ['finished', 'failed'], 400_000);
  expect(result).toMatch(/0\.\d{3} accuracy \([+-]\d+(\.\d)? over majority\)/);
  await app.shot('result');
  expect(await pointed()).toBe(0);

  // What was stored is what was built, and the run trained it.
  await runCommand(page, 'file.save');
  const stored = onDisk(app, file) as Document;
  const body = Object.values(stored.models)[0]?.nodes['layers' as never]?.body;
  expect(Object.values(stored.recipes).map((r) => r.type)).toEqual(['peft.lora']);
  expect(
    (body?.edges ?? [])
      .filter((e) => e.to.port === 'transforms')
      .map((e) => e.to.node)
      .sort(),
  ).toEqual(['query', 'value']);
  const { project } = await app.call('project.open', { path: file });
  const [run, ...others] = await app.call('run.list', { project });
  expect(others).toEqual([]);
  expect(run).toMatchObject({ state: 'done' });
}, 600_000);
