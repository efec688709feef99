/** What undo takes back and what it leaves: runs go on, and an edit of the JSON is one step. */
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import { node, onDisk, runCommand, stillness, useApp } from './harness/index.ts';
import { smallProject, trainButton, untilTrain } from './training.ts';

const app = useApp();
let file = '';

const rankOf = (document: unknown): unknown =>
  (document as { recipes: { lora: { params: { rank: unknown } } } }).recipes.lora.params.rank;

/** What the file says once it says what is expected: edits are saved by themselves. */
const savedRank = () => expect.poll(() => rankOf(onDisk(app, file)), { timeout: 20_000 });

async function projectOf() {
  return (await app.call('project.open', { path: file })).project;
}

it('Ctrl+Z after Train takes back the last edit, and the run goes on [edit.undo-not-runs]', async () => {
  const { page } = app;
  file = smallProject(app.surroundings, 'undo', { train: { maxSteps: 600, epochs: 100, checkpointEvery: 50 } });
  await app.openDocument(file);
  await node(page, 'layers/query').waitFor();
  await untilTrain(page, ['ready']);
  await stillness(page);
  await page.locator('[data-chip="lora_attn_query"]').click();
  const rank = page.getByTestId('inspector').getByRole('spinbutton', { name: 'Rank' });
  await rank.fill('4');
  await rank.press('Enter');
  await savedRank().toBe(4);
  await untilTrain(page, ['ready']);
  await trainButton(page).click();
  await untilTrain(page, ['training']);

  const project = await projectOf();
  const [run] = await app.call('run.list', { project });
  if (!run) throw new Error('a run trains');
  await page.locator('[data-region="canvas"]').focus();
  await page.keyboard.press('Control+z');
  await expect.poll(() => rank.inputValue()).toBe('8');
  await savedRank().toBe(8);
  // The run still trains what it was started with, and the page says that the draft differs now.
  const bar = page.getByRole('region', { name: 'Which graph is shown' });
  await bar.getByText(/trains an earlier graph/).waitFor();
  await bar.getByRole('button', { name: '1 change' }).click();
  await page.getByText('Recipe lora: rank 4 → 8').waitFor();
  await page.keyboard.press('Escape');
  await app.shot('undone-while-training');
  const steps = async (): Promise<number> =>
    (await app.call('run.list', { project })).find((r) => r.run === run.run)?.step ?? 0;
  const before = await steps();
  await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(before);
  expect(rankOf((await app.call('run.document', { run: run.run })).document)).toBe(4);

  // There was one edit, so there is nothing more to take back; redo makes the draft what trains.
  await expect.poll(() => page.getByRole('button', { name: /^Undo/ }).getAttribute('aria-disabled')).toBe('true');
  await page.locator('[data-region="canvas"]').focus();
  await page.keyboard.press('Control+z');
  await page.keyboard.press('Control+Shift+z');
  await savedRank().toBe(4);
  await bar.getByText(/trains an earlier graph/).waitFor({ state: 'detached' });
  expect((await app.call('run.list', { project })).map((r) => r.state)).toEqual(['training']);
}, 300_000);

it('an edit of several places of the JSON is one step of undo [edit.undo-not-runs]', async () => {
  const { page } = app;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const before = onDisk(app, file) as Document;
  await runCommand(page, 'code.document');
  const view = page.locator('[data-area="code"]');
  await view.locator('.view-lines').getByText('"title"').first().waitFor();
  const changed = JSON.parse(JSON.stringify(before)) as {
    title: string;
    recipes: { lora: { params: Record<string, unknown> } };
    workflow: { nodes: { train: { params: Record<string, unknown> } } };
  };
  changed.title = 'by JSON';
  changed.recipes.lora.params['rank'] = 16;
  changed.workflow.nodes.train.params['maxSteps'] = 7;
  await view.locator('.view-lines').click();
  await page.keyboard.press('Control+a');
  await page.evaluate((text) => navigator.clipboard.writeText(text), JSON.stringify(changed, null, 2));
  await page.keyboard.press('Control+v');
  await view.getByText('3 places changed, not applied yet').waitFor();
  await page.keyboard.press('Control+s');
  await savedRank().toBe(16);
  const title = page.getByRole('textbox', { name: 'Title of the document' });
  await expect.poll(() => title.inputValue()).toBe('by JSON');
  expect(onDisk(app, file)).toEqual(changed);

  await runCommand(page, 'view.graph');
  await node(page, 'layers/query').waitFor();
  await page.locator('[data-region="canvas"]').focus();
  await page.keyboard.press('Control+z');
  await expect.poll(() => title.inputValue()).toBe('undo');
  await expect.poll(() => onDisk(app, file), { timeout: 20_000 }).toEqual(before);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(() => onDisk(app, file), { timeout: 20_000 }).toEqual(changed);
  // The run of the test before has trained all the while.
  await page.getByRole('button', { name: 'Stop the run' }).click();
  await untilTrain(page, ['ready']);
}, 240_000);
