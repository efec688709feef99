/**
 * The packaged app: built as `npm run dist -- --test-shell` builds it, unpacked from its archive somewhere else, started
 * with nothing of the project or of the system's Node in reach, it opens a document and trains it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { _electron } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureTestElectron } from '../../build/browsers.mjs';
import { root } from '../../build/setup.mjs';
import { runCommand } from '../e2e/harness/keys.ts';
import {
  callFrom,
  closeShell,
  enginePid,
  exampleOf,
  makeDesk,
  titleOf,
  until,
  type Desk,
  type Launch,
} from '../electron/app/shell.ts';
import type { ShellApp } from '../electron/app/drive.ts';

let desk: Desk;
let launch: Launch | undefined;
let folder: string;

beforeAll(async () => {
  desk = await makeDesk();
  const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: dirname(ensureTestElectron()) };
  const built = spawnSync(process.execPath, [join('build', 'dist.mjs'), '--test-shell'], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`dist failed:\n${built.stdout}\n${built.stderr}`);
  const out = join(root, 'build', 'out', 'dist');
  const archive = readdirSync(out).find((name) => name.endsWith('.tar.gz')) ?? '';
  expect(archive).toMatch(/^Espalier-TEST-SHELL-.*-linux-/);
  folder = join(desk.surroundings.folder, 'installed');
  mkdirSync(folder);
  expect(spawnSync('tar', ['-xf', join(out, archive), '-C', folder, '--strip-components=1']).status).toBe(0);
}, 1_200_000);

afterAll(async () => {
  if (launch !== undefined) await closeShell(launch);
  desk.remove();
});

it('holds the shell in its archive and the engine beside it, with its licences', () => {
  const resources = join(folder, 'resources');
  expect(readdirSync(resources).sort()).toEqual(['app.asar', 'engine']);
  const parts = ['LICENCES.txt', 'engine.json', 'espalier.mjs', 'examples', 'node', 'node_modules', 'page'];
  expect(readdirSync(join(resources, 'engine')).sort()).toEqual([...parts].sort());
  expect(existsSync(join(resources, 'engine', 'node_modules', 'electron'))).toBe(false);
});

it('starts without the project, says what it is, and trains', async () => {
  const { workspace } = desk.surroundings;
  for (const file of ['first-steps.csv', 'first-steps.eval.csv']) {
    copyFileSync(join(root, 'examples', file), join(workspace, file));
  }
  const document = join(workspace, 'mine.espalier.json');
  writeFileSync(document, exampleOf(1));
  // A packaged app takes no script to load before it, so Playwright drives it through Node's inspector.
  const electron = await _electron.launch({
    executablePath: join(folder, 'espalier'),
    args: ['--no-sandbox', document],
    // No system Node: the app has its own.
    env: { ...desk.environment, PATH: '/nonexistent' },
    cwd: folder,
    timeout: 60_000,
  });
  const app: ShellApp = {
    pid: electron.process().pid ?? 0,
    evaluate: async (code, argument) => electron.evaluate(code as never, argument as never),
    close: () => electron.close(),
  };
  const page = await electron.firstWindow({ timeout: 60_000 });
  launch = { app, page, problems: [] };
  page.setDefaultTimeout(60_000);
  await page.waitForURL(/^http:\/\/127\.0\.0\.1:/, { timeout: 60_000 });
  await page.locator('.react-flow').first().waitFor();
  expect(await titleOf(app)).toContain('Test build on an outdated Electron');
  expect(enginePid(app.pid)).toBeGreaterThan(0);
  await runCommand(page, 'run.train');
  const project = await page.evaluate(() => /^#project=([\w-]+)$/.exec(location.hash)?.[1] ?? '');
  const ended = async (): Promise<boolean> =>
    /done|failed/.test((await callFrom(page, 'run.list', { project }))[0]?.state ?? '');
  await until(ended, 'the end of the run', 600_000);
  expect((await callFrom(page, 'run.list', { project }))[0]).toMatchObject({
    state: 'done',
    metric: 'accuracy',
  });
}, 900_000);
