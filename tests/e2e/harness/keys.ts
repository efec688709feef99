/** What a person does with the keyboard: keys, the command palette, moving the focus. */
import type { Locator, Page } from 'playwright-core';

/** The palette's items carry the id of their command. */
const item = (page: Page, id: string): Locator => page.locator(`[role="option"][data-command="${id}"]`);

/** Runs a command of the page from the palette, by keyboard alone. */
export async function runCommand(page: Page, id: string): Promise<void> {
  await openPalette(page);
  await page.keyboard.type(id);
  const option = item(page, id);
  await option.waitFor({ state: 'attached', timeout: 5000 });
  // What a person sees as not available yet (a document is loading, a check is on its way) is waited for.
  for (let i = 0; (await option.getAttribute('data-off')) === 'true'; i++) {
    if (i === 100) throw new Error(`The command ${id} is not available: ${(await option.textContent()) ?? ''}`);
    await page.waitForTimeout(100);
  }
  for (let i = 0; i < 40; i++) {
    if ((await option.getAttribute('aria-selected')) === 'true') break;
    await page.keyboard.press('ArrowDown');
  }
  await page.keyboard.press('Enter');
  // The command runs when the palette has gone and given the focus back; a key pressed before would be the palette's.
  await option.waitFor({ state: 'detached' });
  await page.evaluate(() => new Promise((done) => setTimeout(done, 0)));
}

export async function openPalette(page: Page): Promise<void> {
  const search = page.getByRole('dialog').getByRole('combobox');
  // A first press may find the focus in a field of Monaco, which keeps the key for itself; Escape gives it up.
  for (let i = 0; i < 3; i++) {
    await page.keyboard.press('Control+k');
    if (await search.isVisible().catch(() => false)) return;
    try {
      await search.waitFor({ timeout: 1500 });
      return;
    } catch {
      await page.keyboard.press('Escape');
    }
  }
  throw new Error('Ctrl+K opened no palette.');
}

/** Moves the focus by Tab until it is in the element; fails when it takes more than `most` presses. */
export async function tabTo(page: Page, target: Locator, most = 80): Promise<void> {
  for (let i = 0; i < most; i++) {
    if (await target.evaluate((e) => e === document.activeElement || e.contains(document.activeElement))) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab did not reach the element within ${most} presses; the focus is on ${await focusOf(page)}.`);
}

/** What has the focus, in words, for messages of tests. */
export async function focusOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const e = document.activeElement;
    return e === null ? 'nothing' : `${e.tagName.toLowerCase()} ${e.getAttribute('aria-label') ?? e.textContent ?? ''}`;
  });
}
