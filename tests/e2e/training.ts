/** What tests of runs share: a small project that trains in seconds, and waiting for what a run does. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../build/setup.mjs';
import type { Surroundings } from './harness/service.ts';

interface Changes {
  readonly train?: Readonly<Record<string, string | number>>;
  readonly rank?: number;
}

/** The example with few steps, as a file of the workspace of its own. */
export function smallProject(
  { workspace }: Pick<Surroundings, 'workspace'>,
  name: string,
  changes: Changes = {},
): string {
  for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
    copyFileSync(join(root, 'examples', file), join(workspace, file));
  const document = JSON.parse(readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8')) as {
    title: string;
    workflow: { nodes: Record<string, { params: Record<string, unknown> }> };
    recipes: Record<string, { params: Record<string, unknown> }>;
  };
  document.title = name;
  const { train } = document.workflow.nodes;
  if (!train) throw new Error('the example trains');
  train.params = { ...train.params, maxSteps: 10, maxLength: 32, lr: 0.01, ...changes.train };
  const { lora } = document.recipes;
  if (lora && changes.rank !== undefined) lora.params['rank'] = changes.rank;
  const file = `${name}.espalier.json`;
  writeFileSync(join(workspace, file), JSON.stringify(document));
  return file;
}

export type TrainKind =
  'missing' | 'waiting' | 'ready' | 'queued' | 'preparing' | 'training' | 'paused' | 'finished' | 'failed';

/** Waits until the Train button is in one of the states. */
export async function untilTrain(page: Page, kinds: readonly TrainKind[], milliseconds = 120_000): Promise<string> {
  const any = kinds.map((kind) => `[data-train="${kind}"]`).join(', ');
  const found = page.locator(any);
  await found.waitFor({ timeout: milliseconds });
  return (await found.innerText()).replaceAll('\n', ' ');
}

export const trainButton = (page: Page) =>
  page
    .locator('[data-train]')
    .getByRole('button', { name: /^Train/ })
    .first();

/** Presses Train and waits for the result. */
export async function trainToResult(page: Page): Promise<string> {
  await untilTrain(page, ['ready', 'finished', 'failed']);
  await trainButton(page).click();
  await untilTrain(page, ['preparing', 'training', 'queued']);
  return untilTrain(page, ['finished', 'failed']);
}

export async function openDrawer(page: Page, tab: 'Data' | 'Charts' | 'Runs' | 'Try it' | 'Log'): Promise<void> {
  const there = page.getByRole('tab', { name: tab, exact: true });
  if (!(await there.isVisible())) {
    const key = { Data: '2', Charts: '3', Runs: '4', 'Try it': '5', Log: '6' }[tab];
    await page.locator('[data-region="canvas"]').focus();
    await page.keyboard.press(key);
  }
  await there.click();
}
