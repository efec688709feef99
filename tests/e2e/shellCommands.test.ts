/** Every command of the page is in the palette: by keyboard it runs without a fault, or says why it cannot. */
import { expect, it } from 'vitest';
import { UI_COMMANDS } from '../../renderer/commands/all.ts';
import { openPalette, useApp } from './harness/index.ts';
import { copySamples } from './samples.ts';

const app = useApp({ prepare: ({ workspace }) => copySamples(workspace) });

const closeEverything = async (): Promise<void> => {
  const { page } = app;
  for (let i = 0; i < 4; i++) {
    if ((await page.locator('[role="dialog"], [role="menu"], [role="listbox"]').count()) === 0) return;
    await page.keyboard.press('Escape');
  }
};

const inProject = async (): Promise<void> => {
  await closeEverything();
  if ((await app.page.locator('[data-screen="project"]').count()) > 0) return;
  await app.openDocument(app.example('first-steps'));
  await app.page.locator('[data-step="train"]').waitFor();
};

it('every command has an id and a title of its own [palette.commands]', () => {
  const ids = UI_COMMANDS.map((c) => c.id);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  const titles = UI_COMMANDS.map((c) => c.title);
  expect(titles.filter((t, i) => titles.indexOf(t) !== i)).toEqual([]);
});

it('every command runs from the palette by keyboard, or is greyed with a reason [palette.every-command]', async () => {
  const { page } = app;
  const wrong: string[] = [];
  // Some commands are refused in words here, for example where a run would have to be there.
  app.expectProblem(/status of 4(04|22)/);
  for (const { id } of UI_COMMANDS) {
    if (id === 'app.palette') continue;
    await inProject();
    await openPalette(page);
    await page.keyboard.type(id);
    const option = page.locator(`[role="option"][data-command="${id}"]`);
    await option.waitFor({ state: 'attached', timeout: 5000 });
    if ((await option.getAttribute('aria-disabled')) === 'true') {
      const words = (await option.textContent()) ?? '';
      const title = UI_COMMANDS.find((c) => c.id === id)?.title ?? '';
      if (words.length < title.length + 8) wrong.push(`${id} is greyed without a reason: ${words}`);
      await page.keyboard.press('Escape');
      continue;
    }
    // The list follows its letters, so it is waited for; Enter would mean the right one before, too.
    const first = page.locator(`[role="option"][data-command="${id}"][aria-selected="true"]`);
    const found = await first.waitFor({ timeout: 3000 }).then(
      () => true,
      () => false,
    );
    if (found) await page.keyboard.press('Enter');
    else wrong.push(`${id} is not the first answer to its id`);
    await page.waitForTimeout(150);
    const alert = page.getByText('Espalier failed at this.');
    if ((await alert.count()) > 0) wrong.push(`${id} failed in the service`);
  }
  expect(wrong).toEqual([]);
}, 900_000);
