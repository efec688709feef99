/** One launch of the shell, used as a person does: files, menus, an edit, a run, and what happens when something dies. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';
import { runCommand } from '../../e2e/harness/keys.ts';
import { boxOf, dragNode, dragWire, edges, node } from '../../e2e/harness/canvas.ts';
import { pointOnWire, portOf } from '../../e2e/support/modelCanvas.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import {
  answerDialogs,
  askedDialogs,
  callFrom,
  clickMenu,
  closeShell,
  enginePid,
  exampleOf,
  isAlive,
  makeDesk,
  textOfPage,
  titleOf,
  until,
  type Desk,
  type Launch,
} from './shell.ts';

let desk: Desk;
let launch: Launch;
/** Folder outside of the workspace, as a person's own files are. */
let elsewhere: string;

const EXAMPLES = join(root, 'examples');
const copyExample = (name: string): string => {
  for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
    copyFileSync(join(EXAMPLES, file), join(elsewhere, file));
  const path = join(elsewhere, name);
  writeFileSync(path, exampleOf(1));
  return path;
};
const page = (): Page => launch.page;
const shellPid = (): number => launch.app.pid;
const allow = (pattern: RegExp): void => {
  launch.problems.splice(0, launch.problems.length, ...launch.problems.filter((p) => !pattern.test(p)));
};

beforeAll(async () => {
  desk = await makeDesk();
  elsewhere = join(desk.surroundings.folder, 'elsewhere');
  mkdirSync(elsewhere);
  launch = await desk.launch();
}, 240_000);

afterEach(() => {
  const found = launch.problems.splice(0);
  expect(found, 'problems of the page').toEqual([]);
});

afterAll(async () => {
  await closeShell(launch);
  desk.remove();
});

it('starts the engine and shows Start [desktop.launch]', async () => {
  expect(isAlive(enginePid(shellPid()))).toBe(true);
  expect(await titleOf(launch.app)).toMatch(/^Espalier/);
  await page().screenshot({ path: join(desk.pictures, 'start.png') });
  const info = await callFrom(page(), 'app.info', {});
  expect(info.desktop).toBe(true);
});

it('menu entries run commands of the page [desktop.menu]', async () => {
  await clickMenu(launch.app, 'help.keys');
  await page().getByRole('dialog').waitFor();
  await page().keyboard.press('Escape');
  await page().getByRole('dialog').waitFor({ state: 'hidden' });
});

it('the dialog gives the engine the path, the page a grant, and the window a name [desktop.dialogs, desktop.title]', async () => {
  const file = copyExample('mine.espalier.json');
  await answerDialogs(launch.app, { open: file });
  await clickMenu(launch.app, 'file.open');
  await page().locator('.react-flow').first().waitFor();
  expect(await askedDialogs(launch.app)).toEqual([expect.stringContaining('espalier.json')]);
  await until(async () => (await titleOf(launch.app)).includes('mine.espalier.json'), 'the title of the window');
  await page().screenshot({ path: join(desk.pictures, 'project.png') });
});

it('a second launch hands its file to the first and ends [desktop.open-file, desktop.single-instance]', async () => {
  copyExample('second.espalier.json');
  expect(await desk.launchAgain(['second.espalier.json'], elsewhere)).toBe(0);
  await until(async () => (await titleOf(launch.app)).includes('second.espalier.json'), 'opening the file');
  expect(await launch.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
});

it('recent files are in the menu and open [desktop.recent]', async () => {
  const labels = async (): Promise<readonly string[]> =>
    launch.app.evaluate(({ Menu }) => {
      const submenu = Menu.getApplicationMenu()?.getMenuItemById('recent')?.submenu;
      return submenu?.items.map((item) => item.label) ?? [];
    });
  await until(async () => (await labels()).length >= 2, 'two recent files in the menu');
  await clickMenu(launch.app, 'recent-1');
  await until(async () => (await titleOf(launch.app)).includes('mine.espalier.json'), 'opening the recent file');
});

it('a node is dragged and a wire is drawn [desktop.edit]', async () => {
  await runCommand(page(), 'view.graph');
  const card = node(page(), 'pooler');
  await card.waitFor();
  const before = await boxOf(card);
  await dragNode(page(), 'pooler', { x: 60, y: 90 });
  const after = await boxOf(card);
  expect(after.y - before.y).toBeGreaterThan(30);
  await runCommand(page(), 'edit.undo');
  await until(async () => Math.abs((await boxOf(card)).y - before.y) < 12, 'undo');

  // A wire that is taken off and drawn again, as the document has it.
  const count = await edges(page()).count();
  const at = await pointOnWire(page(), 'head.logits->logits.x');
  await page().mouse.click(at.x, at.y);
  await page().keyboard.press('Delete');
  await until(async () => (await edges(page()).count()) === count - 1, 'the end of the wire');
  await dragWire(page(), portOf(page(), 'head', 'logits', 'source'), portOf(page(), 'logits', 'x', 'target'));
  await until(async () => (await edges(page()).count()) === count, 'the new wire');
  await runCommand(page(), 'file.save');
  const saved = JSON.parse(readFileSync(join(elsewhere, 'mine.espalier.json'), 'utf8')) as Document;
  const wire = { from: { node: 'head', port: 'logits' }, to: { node: 'logits', port: 'x' } };
  expect(Object.values(saved.models)[0]?.edges).toContainEqual(wire);
});

it('a run trains to its end [desktop.train]', async () => {
  await runCommand(page(), 'run.train');
  const done = async (): Promise<boolean> => {
    const { project } = await shownProject();
    const runs = await callFrom(page(), 'run.list', { project });
    return runs[0]?.state === 'done';
  };
  await until(done, 'the end of the run', 180_000);
  await page().screenshot({ path: join(desk.pictures, 'trained.png') });
}, 240_000);

it('an engine that was killed is started again and the page goes on [desktop.engine-killed]', async () => {
  const first = enginePid(shellPid());
  process.kill(first, 'SIGKILL');
  await until(() => !isAlive(first), 'the end of the engine');
  await until(async () => {
    try {
      return enginePid(shellPid()) !== first && (await callFrom(page(), 'app.info', {})).desktop;
    } catch {
      return false;
    }
  }, 'a new engine');
  await runCommand(page(), 'view.whatTrains');
  await runCommand(page(), 'view.whatTrains');
  // What the page wrote to its console while nobody answered.
  allow(/Failed to load resource|WebSocket connection|net::ERR_/);
  expect((await callFrom(page(), 'app.recent', {})).length).toBeGreaterThan(0);
});

it('a page that was killed is loaded again with its project [desktop.window-killed]', async () => {
  await launch.app.evaluate(({ BrowserWindow }) => {
    process.kill(BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0, 'SIGKILL');
  });
  await until(
    async () => /mine|first-steps/i.test(await textOfPage(launch.app)),
    'the project in the new page',
    60_000,
  );
  allow(/./);
});

async function shownProject(): Promise<{ readonly project: string }> {
  const project = await page().evaluate(() => /^#project=([\w-]+)$/.exec(location.hash)?.[1]);
  if (project === undefined) throw new Error('The window shows no project.');
  return { project };
}
