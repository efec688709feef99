/** The window of a project: header, strip, panels, status bar, palette, keys, settings, themes, notes, saving. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { onDisk, openPalette, runCommand, useApp } from './harness/index.ts';
import { copySamples } from './samples.ts';

const app = useApp({ prepare: ({ workspace }) => copySamples(workspace) });
const onCanvas = (): Promise<void> =>
  app.page.evaluate(() => document.querySelector<HTMLElement>('[data-region="canvas"]')?.focus());
const theme = () => app.page.evaluate(() => document.documentElement.dataset['theme']);

beforeEach(async () => {
  if ((await app.page.locator('[data-screen="project"]').count()) > 0) return;
  await app.openDocument(app.example('first-steps'));
  await app.page.locator('[data-step="train"]').waitFor();
}, 120_000);

it('shows the workflow as pills; one opens its form, and the breadcrumb leads on [workflow.strip]', async () => {
  const { page } = app;
  const pills = page.getByRole('navigation', { name: 'Workflow' }).getByRole('listitem');
  await expect.poll(() => pills.count()).toBe(4);
  await page.locator('[data-step="train"]').click();
  await expect.poll(() => page.locator('[data-step="train"]').getAttribute('aria-current')).toBe('step');
  await page.locator('[data-region="inspector"]').getByText('Epochs', { exact: false }).first().waitFor();
  await onCanvas();
  await page.keyboard.press('g');
  await page.getByRole('navigation', { name: 'Place' }).getByRole('button').nth(1).waitFor();
});

it('writes an edit of the title to the file by itself, and undoes it [file.autosave, edit.undo]', async () => {
  const { page } = app;
  const field = page.getByRole('textbox', { name: 'Title of the document' });
  const before = await field.inputValue();
  await field.fill('renamed by a test');
  await field.press('Enter');
  await page.getByRole('status', { name: 'Document saved' }).waitFor();
  await expect
    .poll(() => (onDisk(app, 'first-steps.espalier.json') as { title: string }).title)
    .toBe('renamed by a test');
  await onCanvas();
  await page.keyboard.press('Control+z');
  await expect.poll(() => field.inputValue()).toBe(before);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(() => field.inputValue()).toBe('renamed by a test');
  await page.keyboard.press('Control+z');
});

it('letters are commands on the canvas and text in a field [keys.letters]', async () => {
  const { page } = app;
  await onCanvas();
  await page.keyboard.press('m');
  await page.getByRole('radio', { name: 'Matrix' }).and(page.locator('[aria-checked="true"]')).waitFor();
  await onCanvas();
  await page.keyboard.press('g');
  const field = page.getByRole('textbox', { name: 'Title of the document' });
  const before = await field.inputValue();
  await field.focus();
  await page.keyboard.press('End');
  await page.keyboard.type('mct');
  await expect.poll(() => field.inputValue()).toBe(`${before}mct`);
  await expect.poll(() => page.getByRole('radio', { name: 'Graph' }).getAttribute('aria-checked')).toBe('true');
  await page.keyboard.press('Escape');
  await expect.poll(() => field.inputValue()).toBe(before);
});

it('has six panels by the keys 1 to 6, whose height is moved by arrows and kept [window.drawer]', async () => {
  const { page } = app;
  for (const [key, title] of [...'123456'].map(
    (k, i) => [k, ['Problems', 'Data', 'Charts', 'Runs', 'Try it', 'Log'][i]] as const,
  )) {
    await onCanvas();
    await page.keyboard.press(key);
    await page
      .getByRole('tab', { name: title ?? '' })
      .and(page.locator('[data-state="active"]'))
      .waitFor();
  }
  const handle = page.getByRole('separator', { name: 'Height of the panel' });
  const height = async () => Number(await handle.getAttribute('aria-valuenow'));
  const before = await height();
  await handle.focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  expect(await height()).toBe(before + 48);
  const box = await handle.boundingBox();
  if (!box) throw new Error('the handle is not on the screen');
  await page.mouse.move(box.x + 400, box.y + 4);
  await page.mouse.down();
  await page.mouse.move(box.x + 400, box.y + 34, { steps: 4 });
  await page.mouse.up();
  expect(await height()).toBe(before + 18);
  await app.reload();
  await page.locator('[data-step="train"]').waitFor();
  await onCanvas();
  await page.keyboard.press('1');
  expect(await height()).toBe(before + 18);
  await runCommand(page, 'drawer.close');
  await expect.poll(() => handle.count()).toBe(0);
});

it('hides rail panel, inspector and drawer together, and brings the inspector back [keys.focus-order]', async () => {
  const { page } = app;
  const panels = page.locator('[data-region="inspector"], [data-region="drawer"]');
  await runCommand(page, 'drawer.problems');
  await page.keyboard.press('Control+\\');
  await expect.poll(() => panels.count()).toBe(0);
  await page.keyboard.press('Control+\\');
  await expect.poll(() => page.locator('[data-region="inspector"]').count()).toBe(1);
});

it('tells the share, the memory and the state of the check, and copies the share [window.status-bar, share.one-definition, canvas.fresh-figures]', async () => {
  const { page } = app;
  const bar = page.getByRole('contentinfo', { name: 'Status' });
  await page.locator('[data-fresh="true"]').waitFor();
  const share = bar.locator('[data-share]');
  await expect.poll(() => share.textContent()).toMatch(/^73,728 trainable, 0\.32 % \(\+1,540 head\)$/);
  await bar.getByText(/memory .* of .*/).waitFor();
  await bar.getByText(/checked in \d+ ms/).waitFor();
  await bar.getByText('queue 0').waitFor();
  await share.click();
  await page.getByText('73,728 trainable = 0.32 % of the backbone (+1,540 head)').first().waitFor();
});

it('lists problems by node, leads to them and takes the obvious way out [canvas.problems-inline]', async () => {
  const { page } = app;
  const field = page.getByRole('textbox', { name: 'Title of the document' });
  const { project, revision, document } = await openProject();
  const train = Object.keys(document.workflow.nodes).find((id) => id === 'train') ?? '';
  await app.call('project.edit', {
    project,
    revision,
    label: 'a parameter that there is not',
    patch: [{ path: ['workflow', 'nodes', train, 'params', 'nonsense'], value: 1 }],
  });
  await page
    .getByRole('contentinfo')
    .getByRole('button', { name: /problem/ })
    .click();
  const panel = page.locator('[data-region="drawer"]');
  await panel.getByRole('region', { name: 'train' }).getByRole('button').first().click();
  await expect.poll(() => page.locator('[data-step="train"]').getAttribute('aria-current')).toBe('step');
  await expect
    .poll(() => page.locator('[data-step="train"]').getAttribute('aria-label'))
    .toMatch(/1 (problem|warning)/);
  await panel.getByRole('button', { name: 'Remove it' }).click();
  await page.getByText('No problems').first().waitFor();
  await runCommand(page, 'drawer.close');
  await field.focus();
});

/** The project of the window as the service has it. */
async function openProject() {
  const id = /#project=(.+)$/.exec(app.page.url())?.[1] ?? '';
  return app.call('project.get', { project: id });
}

it('finds a command by letters, says why one is greyed, and remembers what was used [palette.commands]', async () => {
  const { page } = app;
  await openPalette(page);
  await page.keyboard.type('shortc');
  const options = page.getByRole('dialog').getByRole('option');
  await expect.poll(() => options.first().textContent()).toContain('Keyboard shortcuts');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await openPalette(page);
  await expect.poll(() => options.first().getAttribute('data-command')).toBe('help.keys');
  await page.keyboard.type('redo');
  const redo = page.locator('[role="option"][data-command="edit.redo"]');
  if ((await redo.getAttribute('aria-disabled')) === 'true')
    await expect.poll(() => redo.textContent()).toContain('Nothing to redo.');
  await page.keyboard.press('Escape');
});

it('shows all shortcuts by ?, and filters them [keys.sheet]', async () => {
  const { page } = app;
  await onCanvas();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await sheet.getByText('Undo', { exact: true }).waitFor();
  await sheet.getByRole('searchbox').fill('matrix');
  await expect.poll(() => sheet.getByText('Undo', { exact: true }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
});

it('binds other keys to a command, keeps them, and takes them back [window.rebind-keys]', async () => {
  const { page } = app;
  await runCommand(page, 'help.bindings');
  const row = page.locator('[data-binding="view.matrix"]');
  await page.getByRole('dialog').getByRole('searchbox').fill('view.matrix');
  await row.getByRole('button', { name: /^Keys of/ }).click();
  await page.keyboard.press('Control+Shift+l');
  await expect.poll(async () => (await app.call('app.settings', {})).keys['view.matrix']).toBe('Ctrl+Shift+L');
  await page.keyboard.press('Escape');
  await app.reload();
  await page.locator('[data-step="train"]').waitFor();
  await page.keyboard.press('Control+Shift+l');
  await page.getByRole('radio', { name: 'Matrix' }).and(page.locator('[aria-checked="true"]')).waitFor();
  await runCommand(page, 'help.bindings');
  await page.getByRole('dialog').getByRole('button', { name: 'Reset all' }).click();
  await expect.poll(async () => Object.keys((await app.call('app.settings', {})).keys)).toEqual([]);
  await page.keyboard.press('Escape');
  await runCommand(page, 'view.graph');
});

it('changes theme, size and threads in the settings and keeps them [window.settings, window.themes, train.threads, window.zoom]', async () => {
  const { page } = app;
  await runCommand(page, 'app.settings');
  const dialog = page.getByRole('dialog', { name: 'Settings' });
  await dialog.getByRole('radio', { name: 'Dark' }).click();
  await expect.poll(theme).toBe('dark');
  await dialog.getByRole('combobox', { name: 'Size of the interface' }).click();
  await page.getByRole('option', { name: '200 %' }).click();
  await dialog.getByRole('spinbutton', { name: 'Threads of a run' }).fill('1');
  await page.keyboard.press('Enter');
  await expect.poll(() => app.call('app.settings', {})).toMatchObject({ theme: 'dark', zoom: 2, threads: 1 });
  await page.keyboard.press('Escape');
  await app.reload();
  await page.locator('[data-step="train"]').waitFor();
  expect(await theme()).toBe('dark');
  const title = await page.getByRole('textbox', { name: 'Title of the document' }).boundingBox();
  expect(title?.height).toBeGreaterThan(55);
  await app.shot('zoom-200-dark');
  await runCommand(page, 'view.zoomReset');
  await runCommand(page, 'view.systemTheme');
  await expect.poll(theme).toBe('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(theme).toBe('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await app.call('app.setSettings', { threads: 0 });
});

it('makes a report without secrets and lists disk use [window.problem-report, window.disk]', async () => {
  const { page } = app;
  await runCommand(page, 'help.report');
  const report = page.getByRole('dialog', { name: 'Report a problem' });
  const text = (await report.getByLabel('Text of the report').textContent()) ?? '';
  expect(text).toContain('Espalier');
  const token = await page.evaluate(() => sessionStorage.getItem('espalier.token') ?? 'none');
  expect(text).not.toContain(token);
  await page.keyboard.press('Escape');
  await runCommand(page, 'app.disk');
  const disk = page.getByRole('dialog', { name: 'Disk use' });
  await disk.getByText(/in all/).waitFor();
  await expect.poll(() => disk.getByRole('button', { name: 'Remove' }).getAttribute('aria-disabled')).toBe('true');
  await page.keyboard.press('Escape');
});

it('saves under another name and goes on with the copy [file.save-as]', async () => {
  const { page } = app;
  await runCommand(page, 'file.saveAs');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('a copy');
  await page.keyboard.press('Enter');
  await expect.poll(() => existsSync(join(app.workspace, 'a copy.espalier.json'))).toBe(true);
  await page.getByText('Saved as a copy.espalier.json.').first().waitFor();
});

it('keeps notes of the document as plain text [canvas.notes, safety.hostile-strings]', async () => {
  const { page } = app;
  await runCommand(page, 'file.notes');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Notes' }).fill('<img src=x onerror=alert(1)> a note');
  await page.getByRole('button', { name: 'Keep' }).click();
  await runCommand(page, 'file.notes');
  const field = page.getByRole('dialog').getByRole('textbox', { name: 'Notes' });
  await expect.poll(() => field.inputValue()).toBe('<img src=x onerror=alert(1)> a note');
  await expect.poll(() => page.locator('img[src="x"]').count()).toBe(0);
  await page.keyboard.press('Escape');
});
