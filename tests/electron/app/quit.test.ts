/** Quitting with a run in progress, and what a second start finds: three launches on one home. */
import { join } from 'node:path';
import { copyFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';
import { runCommand } from '../../e2e/harness/keys.ts';
import {
  answerDialogs,
  askedDialogs,
  callFrom,
  closeShell,
  enginePid,
  exampleOf,
  isAlive,
  makeDesk,
  until,
  type Desk,
  type Launch,
} from './shell.ts';

let desk: Desk;
let launch: Launch | undefined;
/** Each test, and each second attempt at one, begins with no shell: a first one would take the place of a new one. */
const fresh = async (): Promise<Launch> => {
  if (launch !== undefined) await closeShell(launch);
  launch = await desk.launch([join(desk.surroundings.workspace, 'long.espalier.json')]);
  return launch;
};

beforeAll(async () => {
  desk = await makeDesk();
  const { workspace } = desk.surroundings;
  const examples = join(root, 'examples');
  for (const file of ['first-steps.csv', 'first-steps.eval.csv'])
    copyFileSync(join(examples, file), join(workspace, file));
  // Long enough that a person can quit in the middle.
  writeFileSync(join(workspace, 'long.espalier.json'), exampleOf(400));
}, 600_000);

afterAll(async () => {
  if (launch !== undefined) await closeShell(launch);
  desk.remove();
});

const hidden = (app: Launch['app']): Promise<boolean> =>
  app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() === false);
const quit = (app: Launch['app']): Promise<void> =>
  app.evaluate(({ app: electron }) => {
    setTimeout(() => electron.quit(), 10);
  });

it('quitting with a run asks, cancels, keeps it in the background, stops it [desktop.quit-with-run]', async () => {
  const { app, page } = await fresh();
  const { pid } = app;
  const engine = enginePid(pid);
  await page.locator('.react-flow').first().waitFor();
  await runCommand(page, 'run.train');
  const project = await page.evaluate(() => /^#project=([\w-]+)$/.exec(location.hash)?.[1] ?? '');
  const state = async (): Promise<string | undefined> => (await callFrom(page, 'run.list', { project }))[0]?.state;
  await until(async () => (await state()) === 'training', 'training', 120_000);
  await until(
    () => app.evaluate(({ powerSaveBlocker }) => [0, 1, 2].some((id) => powerSaveBlocker.isStarted(id))),
    'keeping the computer awake',
  );

  await answerDialogs(app, { button: 2 });
  await quit(app);
  await until(async () => (await askedDialogs(app)).join().includes('in progress'), 'the question');
  expect(await state()).toBe('training');
  expect(await hidden(app)).toBe(false);

  await answerDialogs(app, { button: 0 });
  await quit(app);
  await until(() => hidden(app), 'hiding the window');
  expect(await state()).toBe('training');

  // A second launch brings the window back.
  await desk.launchAgain([]);
  await until(async () => !(await hidden(app)), 'showing the window');

  await answerDialogs(app, { button: 1 });
  await quit(app);
  await until(() => !isAlive(pid), 'the end of the app', 60_000);
  await until(() => !isAlive(engine), 'the end of the engine');
  launch = undefined;
}, 400_000);

it('the stopped run and the place of the window are there at the next start [desktop.window-state]', async () => {
  const place = { x: 60, y: 40, width: 1180, height: 780 };
  const first = await fresh();
  await first.page.locator('.react-flow').first().waitFor();
  const project = await first.page.evaluate(() => /^#project=([\w-]+)$/.exec(location.hash)?.[1] ?? '');
  const [run] = await callFrom(first.page, 'run.list', { project });
  expect(run?.state).toMatch(/stopped|paused/);
  await first.app.evaluate(({ BrowserWindow }, bounds) => BrowserWindow.getAllWindows()[0]?.setBounds(bounds), place);
  const { pid } = first.app;
  await first.page.waitForTimeout(800);
  await quit(first.app);
  await until(() => !isAlive(pid), 'the end of the app', 60_000);

  launch = await desk.launch();
  const found = await launch.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
  expect(found).toEqual(place);
}, 400_000);
