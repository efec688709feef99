/**
 * End-to-end tests run in real Chromium against the real service and engine. A test file is `tests/e2e/<area>.test.ts`:
 *
 *   const app = useApp();                                   // one service and one browser for the file
 *   it('a dragged module lands on the wire [canvas.drop-on-wire]', async () => {
 *     await app.openDocument(app.example('first-steps'));   // or drive the Start screen
 *     await runCommand(app.page, 'view.matrix');            // palette, by keyboard
 *     await dragNode(app.page, 'node-id', { x: 200, y: 0 });
 *     await app.shot('matrix');                             // .cache/e2e/<file>/matrix.png
 *   });
 *
 * A title ends with the ids of `capabilities.ts` that the test shows. A test fails when the page throws, writes an error to
 * the console, breaks its content security policy or asks another origin for something; what a test provokes on purpose it
 * names with `app.expectProblem(/pattern/)`.
 *
 * What the helpers rely on: cards of nodes are React Flow's (`data-id` is the path of the node), items of the command
 * palette carry `data-command="<id>"` and are found by their id too, everything else is found by role and name.
 *
 * While others edit the page, `ESPALIER_E2E_PAGE=keep` takes it as it was built last.
 */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, type RunnerTestFile } from 'vitest';
import type { CommandInput, CommandName, CommandResult } from '../../../engine/protocol/api/commands.ts';
import { COMMANDS } from '../../../engine/protocol/api/commands.ts';
import type { Answer } from '../../../engine/protocol/api/wire.ts';
import { chromiumArgs, ensureChromium } from '../../../build/browsers.mjs';
import { root } from '../../../build/setup.mjs';
import { guardContext, type Guard } from './guard.ts';
import { makeSurroundings, startService, type Service, type Surroundings } from './service.ts';

export interface AppOptions {
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly theme?: 'light' | 'dark';
  /** Fills the workspace before the service starts. */
  readonly prepare?: (surroundings: Surroundings) => void | Promise<void>;
  /** More arguments of `espalier serve`. */
  readonly args?: readonly string[];
  /** False leaves Start as it greets a new person; by default the guided first run was already done. */
  readonly fresh?: boolean;
}

export interface App {
  readonly page: Page;
  readonly service: Service;
  readonly surroundings: Surroundings;
  readonly workspace: string;
  /** Problems that match are what the running test provokes. */
  expectProblem(pattern: RegExp): void;
  /** Saves a picture under .cache/e2e and gives its path. */
  shot(name: string): Promise<string>;
  /** Copies an example document into the workspace and gives its name there. */
  example(name: string): string;
  /** Opens a document of the workspace as the file dialog does, and waits until the window shows it. */
  openDocument(path: string): Promise<string>;
  /** A command of the table, with the rights of this window. */
  call<N extends CommandName>(name: N, params: CommandInput<N>): Promise<CommandResult<N>>;
  /** A second window on the same service. */
  secondWindow(): Promise<Page>;
  /** Kills the service and starts another one on the same folders and port. */
  restartService(): Promise<void>;
  /** Loads the page anew, with the session that it has. */
  reload(): Promise<void>;
}

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: ensureChromium(), headless: true, args: chromiumArgs, timeout: 60_000 });
}

/** The page is there when it has drawn Start or a project. */
export async function waitForApp(page: Page): Promise<void> {
  await page.locator('#root > *').first().waitFor({ timeout: 60_000 });
  // Waiting inside the page would need `eval`, which its policy forbids.
  const until = Date.now() + 30_000;
  while (!(await page.evaluate(() => sessionStorage.getItem('espalier.token') !== null))) {
    if (Date.now() > until) throw new Error('The page got no session within 30 s.');
    await page.waitForTimeout(50);
  }
}

/** Call at the top of a test file. What it gives is valid inside of tests. */
export function useApp(options: AppOptions = {}): App {
  let surroundings: Surroundings | undefined;
  let service: Service | undefined;
  let browser: Browser | undefined;
  let context: BrowserContext | undefined;
  let guard: Guard | undefined;
  let page: Page | undefined;
  const pictures = join(root, '.cache', 'e2e', basename(expect.getState().testPath ?? 'unknown', '.test.ts'));
  const there = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The app is there inside of tests only.');
    return value;
  };

  const begin = async (): Promise<void> => {
    surroundings = await makeSurroundings();
    await options.prepare?.(surroundings);
    service = await startService(surroundings, options.args);
    browser = await launchBrowser();
    context = await browser.newContext({
      viewport: options.viewport ?? { width: 1280, height: 800 },
      colorScheme: options.theme ?? 'light',
      reducedMotion: 'reduce',
      acceptDownloads: true,
    });
    context.setDefaultTimeout(30_000);
    guard = await guardContext(context, () => there(service).origin);
    page = await context.newPage();
    await page.goto(service.address);
    try {
      await waitForApp(page);
    } catch (error) {
      const words = [...guard.take(), service.log()].join('\n');
      throw new Error(`The page did not come up. What it and the service said:\n${words}`, { cause: error });
    }
    if (options.fresh !== true) await app.call('app.setSettings', { firstRunDone: true });
  };
  const end = async (): Promise<void> => {
    await browser?.close();
    await service?.stop();
    surroundings?.remove();
  };
  beforeAll(begin, 180_000);

  // A second attempt at the only test of a file begins from nothing; tests of one file that follow each other cannot.
  const tried = new Set<string>();
  beforeEach(async ({ task }) => {
    if (tried.has(task.id) && testsIn(task.file.tasks) === 1) {
      await end();
      await begin();
    }
    tried.add(task.id);
    guard?.take();
  }, 180_000);

  afterEach(async (test) => {
    const failed = test.task.result?.state === 'fail';
    if (failed) await app.shot(`failed-${test.task.name}`).catch(() => undefined);
    const problems = guard?.take() ?? [];
    if (!failed) expect(problems, 'problems of the page').toEqual([]);
    else if (problems.length > 0) process.stderr.write(`problems of the page:\n${problems.join('\n')}\n`);
  });

  afterAll(end);

  const app: App = {
    get page() {
      return there(page);
    },
    get service() {
      return there(service);
    },
    get surroundings() {
      return there(surroundings);
    },
    get workspace() {
      return there(surroundings).workspace;
    },
    expectProblem: (pattern) => there(guard).expect(pattern),
    shot: async (name) => {
      mkdirSync(pictures, { recursive: true });
      const file = join(pictures, `${name.replace(/[^\w.-]+/g, '-').slice(0, 100)}.png`);
      await there(page).screenshot({ path: file });
      return file;
    },
    example: (name) => {
      const file = `${name}.espalier.json`;
      copyFileSync(join(root, 'examples', file), join(there(surroundings).workspace, file));
      return file;
    },
    openDocument: async (path) => openInPage(there(page), path),
    call: async (name, params) => callFrom(there(page), name, params),
    secondWindow: async () => {
      // A page opened by this one has the same session storage, which is how a person opens a second window.
      const [second] = await Promise.all([
        there(context).waitForEvent('page'),
        there(page).evaluate(() => void open(location.pathname)),
      ]);
      await waitForApp(second);
      return second;
    },
    restartService: async () => {
      const port = new URL(there(service).origin).port;
      await there(service).kill();
      service = await startService(there(surroundings), ['--port', port, ...(options.args ?? [])]);
    },
    reload: async () => {
      await there(page).reload();
      await waitForApp(there(page));
    },
  };
  return app;
}

const testsIn = (tasks: RunnerTestFile['tasks']): number =>
  tasks.reduce((n, task) => n + (task.type === 'suite' ? testsIn(task.tasks) : 1), 0);

let keys = 0;

/** A command with the token of the page's session, as its client sends it. */
export async function callFrom<N extends CommandName>(
  page: Page,
  name: N,
  params: CommandInput<N>,
): Promise<CommandResult<N>> {
  const key = COMMANDS[name].mutates ? { key: `harness-${process.pid}-${++keys}` } : {};
  const answer = await page.evaluate(
    async (body) => {
      const response = await fetch('/api/command', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${sessionStorage.getItem('espalier.token') ?? ''}`,
        },
        body,
      });
      return (await response.json()) as unknown;
    },
    JSON.stringify({ name, ...key, params }),
  );
  const typed = answer as Answer<CommandResult<N>>;
  if (!typed.ok) throw new Error(`${name} was refused: ${typed.diagnostics.map((d) => d.message).join(' ')}`);
  return typed.result;
}

/** Opens a document by its path in the workspace and gives the project's id. */
async function openInPage(page: Page, path: string): Promise<string> {
  const opened = await callFrom(page, 'project.open', { path });
  await page.goto(`${new URL(page.url()).origin}/#project=${opened.project}`);
  await page.reload();
  await waitForApp(page);
  await page.locator('.react-flow, [data-screen="project"]').first().waitFor();
  return opened.project;
}

/** The text of a document of the workspace as it lies on the disk. */
export function onDisk(app: App, path: string): unknown {
  return JSON.parse(readFileSync(join(app.workspace, path), 'utf8'));
}
