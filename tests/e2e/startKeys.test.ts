/** The first run by keyboard alone: from Start to a result, without touching the mouse. */
import { expect, it } from 'vitest';
import { focusOf, runCommand, tabTo, useApp } from './harness/index.ts';

const app = useApp({ fresh: true });

it('goes from Start to a trained model by keyboard alone [start.guided-run, keys.focus-order]', async () => {
  const { page } = app;
  await tabTo(page, page.getByRole('button', { name: 'Guide me' }));
  await page.keyboard.press('Enter');
  for (const step of ['backbone', 'data', 'method', 'train']) {
    await page.locator(`[data-guide="${step}"]`).waitFor({ timeout: 90_000 });
    // The card takes the focus with each step, so that Enter does it.
    const button = page.locator(`[data-guide="${step}"]`).getByRole('button', { name: 'Do it for me' });
    await expect.poll(() => button.evaluate((e) => e === document.activeElement), { timeout: 20_000 }).toBe(true);
    await page.keyboard.press('Enter');
  }
  await page.locator('[data-guide="finished"]').waitFor({ timeout: 400_000 });
  await page.keyboard.press('Escape');
  await page.locator('[data-guide]').waitFor({ state: 'detached' });
  const runs = await page.locator('[data-step="train"]').getAttribute('aria-label');
  expect(runs).toContain('trained');
}, 600_000);

it('F6 goes round the parts of the window in order [keys.focus-order]', async () => {
  const { page } = app;
  await runCommand(page, 'view.graph');
  await page.evaluate(() => document.querySelector<HTMLElement>('[data-region="canvas"]')?.focus());
  const seen: string[] = [];
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press('F6');
    const region = await page.evaluate(() =>
      document.activeElement?.closest('[data-region]')?.getAttribute('data-region'),
    );
    seen.push(region ?? (await focusOf(page)));
  }
  const order = ['inspector', 'drawer', 'status', 'header', 'rail', 'canvas'];
  const there = order.filter((r) => seen.includes(r));
  expect(seen.slice(0, there.length)).toEqual(there);
  expect(there).toEqual(expect.arrayContaining(['inspector', 'status', 'header', 'rail', 'canvas']));
}, 120_000);
