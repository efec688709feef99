/** Crossing the levels by a promoted port: the step of the model has it by name, and a click leads in and out. */
import { expect, it } from 'vitest';
import type { Document } from '../../engine/protocol/document.ts';
import { node, onDisk, runCommand, stillness, useApp } from './harness/index.ts';
import { copySamples } from './samples.ts';

const app = useApp({
  viewport: { width: 1440, height: 900 },
  prepare: ({ workspace }) => copySamples(workspace),
});

const inspector = () => app.page.getByTestId('inspector');
const chosen = (id: string) => expect.poll(() => node(app.page, id).getAttribute('class')).toContain('selected');

async function promote(id: string, port: RegExp): Promise<void> {
  const { page } = app;
  await stillness(page);
  await node(page, id).click({ position: { x: 30, y: 8 } });
  await chosen(id);
  const section = inspector().getByRole('button', { name: /^Promoted ports/ });
  await section.waitFor();
  if ((await section.getAttribute('aria-expanded')) !== 'true') await section.click();
  await inspector().getByRole('switch', { name: port }).click();
}

it('the step of the model has a port per promoted thing, and a click on it jumps in and out [workflow.promoted-ports]', async () => {
  const { page } = app;
  const file = app.example('first-steps');
  await app.openDocument(file);
  await node(page, 'head').waitFor();
  await promote('head', /^x /);
  const name = inspector().getByRole('textbox', { name: 'Name of x' });
  await name.fill('answers');
  await name.press('Enter');
  await promote('embeddings', /^prompt/);
  await expect
    .poll(() => (Object.values((onDisk(app, file) as Document).models)[0]?.promoted ?? []).map((p) => p.name), {
      timeout: 20_000,
    })
    .toEqual(['answers', 'embeddings_prompt']);
  await expect.poll(() => page.locator('[data-region="status"]').textContent()).toContain('No problems');

  // On the workflow the step has both by their names, each a port of its own.
  await page.locator('[data-region="canvas"]').focus();
  await page.keyboard.press('w');
  const step = node(page, 'model');
  await step.waitFor();
  for (const port of ['answers', 'embeddings_prompt']) {
    await step.getByRole('button', { name: port, exact: true }).waitFor();
    await expect.poll(() => step.locator(`.react-flow__handle[data-handleid="${port}"]`).count()).toBe(1);
  }
  await app.shot('workflow');

  // In: the node behind the port is shown and selected. The port has the same name there, and leads back.
  for (const [port, inside] of [
    ['answers', 'head'],
    ['embeddings_prompt', 'embeddings'],
  ] as const) {
    await stillness(page);
    await step.getByRole('button', { name: port, exact: true }).click();
    await page.locator('[data-canvas="model"]').waitFor();
    await chosen(inside);
    await stillness(page);
    await app.shot(`inside-${inside}`);
    await node(page, inside).getByRole('button', { name: port, exact: true }).click();
    await page.locator('[data-canvas="workflow"]').waitFor();
    await chosen('model');
  }

  // A port that is taken back is gone from the step.
  await runCommand(page, 'edit.undo');
  await runCommand(page, 'view.workflow');
  await step.waitFor();
  await expect.poll(() => step.getByRole('button', { name: 'embeddings_prompt', exact: true }).count()).toBe(0);
  await step.getByRole('button', { name: 'answers', exact: true }).waitFor();
}, 180_000);
