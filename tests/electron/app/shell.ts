/**
 * The real shell for a test: the Electron of the tests on a screen of its own (Xvfb), with a home, a workspace and settings
 * of its own, the shell built from this source, the page built for its Chromium. What a person answers in a native dialog is
 * put in beforehand (`answerDialogs`).
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ensureTestElectron } from '../../../build/browsers.mjs';
import { root, withLock } from '../../../build/setup.mjs';
import {
  COMMANDS,
  type CommandInput,
  type CommandName,
  type CommandResult,
} from '../../../engine/protocol/api/commands.ts';
import type { Shell } from '../../../engine/protocol/api/shell.ts';
import type { Answer } from '../../../engine/protocol/api/wire.ts';
import { makeSurroundings, type Surroundings } from '../../e2e/harness/service.ts';
import { driveElectron, inTime, type ShellApp } from './drive.ts';

export interface Screen {
  readonly display: string;
  readonly stop: () => void;
}

/** An X server without a screen, on the first number that is free. */
export async function startScreen(): Promise<Screen> {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1440x960x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const display = await new Promise<string>((done, fail) => {
    let text = '';
    server.on('error', fail);
    server.on('exit', (code) => fail(new Error(`Xvfb ended with ${code ?? 'a signal'}.`)));
    server.stdio[3]?.on('data', (part: Buffer) => {
      text += part.toString('utf8');
      if (text.includes('\n')) done(`:${text.trim()}`);
    });
  });
  return { display, stop: () => void server.kill('SIGKILL') };
}

/** Builds shell, page and engine for the Electron of the tests, when a source is newer; gives the folder of the shell. */
export function builtShell(): string {
  const folder = join(root, 'build', 'out', 'shell-test');
  withLock(join(root, '.cache'), 'shell-test', () => {
    const script = `
      const { buildEngine, buildShell, writeEngineFile } = await import('./build/shell.mjs');
      const { buildPage } = await import('./build/page.mjs');
      const entry = await buildEngine();
      const page = await buildPage({ compatible: true });
      const shell = await buildShell('build/out/shell-test');
      writeEngineFile(process.cwd() + '/build/out/shell-test', { node: process.execPath, entry, page, testShell: true });`;
    const done = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`The shell could not be built:\n${done.stdout}\n${done.stderr}`);
  });
  return folder;
}

export interface Launch {
  readonly app: ShellApp;
  readonly page: Page;
  /** What the page threw or wrote as an error to its console. */
  readonly problems: string[];
}

export interface Desk {
  readonly screen: Screen;
  readonly surroundings: Surroundings;
  readonly shell: string;
  /** Where pictures of the window go. */
  readonly pictures: string;
  /** Environment of the shell: everything that it keeps lies in the surroundings. */
  readonly environment: Record<string, string>;
  readonly launch: (args?: readonly string[]) => Promise<Launch>;
  /** A second launch, as a double click on a file makes: it ends by itself, with this exit code. */
  readonly launchAgain: (args: readonly string[], folder?: string) => Promise<number | null>;
  /** Runs texts of JavaScript in the page of a shell of its own that no debugger watches. */
  readonly probe: (codes: readonly string[]) => readonly ProbeOutcome[];
  readonly remove: () => void;
}

/** What was there after a text of JavaScript had run, as `probe.cjs` tells it. */
export interface ProbeOutcome {
  /** The page still answered. */
  readonly answers: boolean;
  readonly windows: number;
  readonly contents: number;
  /** Links that the shell handed to the system's browser. */
  readonly opened: readonly string[];
}

export async function makeDesk(): Promise<Desk> {
  const executable = ensureTestElectron();
  const shell = builtShell();
  const screen = await startScreen();
  const surroundings = await makeSurroundings('page-compatible');
  const config = join(surroundings.folder, 'config');
  mkdirSync(config, { recursive: true });
  const environment: Record<string, string> = {
    ...(process.env as Record<string, string>),
    DISPLAY: screen.display,
    XDG_CONFIG_HOME: config,
    ESPALIER_HOME: surroundings.home,
    ESPALIER_WORKSPACE: surroundings.workspace,
  };
  return {
    screen,
    surroundings,
    shell,
    pictures: join(root, '.cache', 'electron-shots'),
    environment,
    launch: async (args = []) => {
      const { app, page } = await driveElectron(executable, ['--no-sandbox', shell, ...args], environment);
      const problems: string[] = [];
      // Electron 9 evaluates what Playwright asks in a world of its own under the page's policy, and writes that it did.
      const ofPlaywright = /requires 'TrustedScript' assignment and no 'default' policy/;
      page.setDefaultTimeout(30_000);
      page.on('pageerror', (error) => problems.push(`page error: ${error.stack ?? error.message}`));
      page.on('console', (message) => {
        const text = message.text();
        if (message.type() === 'error' && !ofPlaywright.test(text)) problems.push(`console error: ${text}`);
      });
      await page.waitForURL(/^http:\/\/127\.0\.0\.1:/, { timeout: 60_000 });
      await page.locator('#root > *').first().waitFor({ timeout: 60_000 });
      // There is no window manager on the screen that would give the window the keyboard.
      await app.evaluate(({ BrowserWindow }) => {
        const [window] = BrowserWindow.getAllWindows();
        window?.focus();
        window?.webContents.focus();
      });
      return { app, page, problems };
    },
    launchAgain: async (args, folder) => {
      const again = spawn(executable, ['--no-sandbox', shell, ...args], {
        env: environment,
        stdio: 'ignore',
        ...(folder === undefined ? {} : { cwd: folder }),
      });
      const ended = new Promise<number | null>((done) => void again.on('exit', (code) => done(code)));
      try {
        return await inTime(ended, 'The second launch did not end', 60_000);
      } finally {
        again.kill('SIGKILL');
      }
    },
    probe: (codes) => {
      const script = join(root, 'tests', 'electron', 'app', 'probe.cjs');
      const config = join(surroundings.folder, 'probe');
      mkdirSync(config, { recursive: true });
      const { stdout, stderr } = spawnSync(executable, ['-r', script, '--no-sandbox', shell], {
        env: { ...environment, XDG_CONFIG_HOME: config, ESPALIER_PROBE: JSON.stringify(codes) },
        encoding: 'utf8',
        timeout: 60_000,
      });
      const line = /^PROBE (.*)$/m.exec(stdout)?.[1];
      if (line === undefined) throw new Error(`The shell told nothing:\n${stdout}\n${stderr}`);
      return JSON.parse(line) as readonly ProbeOutcome[];
    },
    remove: () => {
      screen.stop();
      surroundings.remove();
    },
  };
}

export interface DialogAnswers {
  readonly open?: string;
  readonly save?: string;
  /** The place of the button that is pressed in message boxes. */
  readonly button?: number;
}

/** From now on native dialogs give these answers at once; what they asked is kept for `askedDialogs`. */
export async function answerDialogs(app: ShellApp, answers: DialogAnswers): Promise<void> {
  await app.evaluate(({ dialog }, { open, save, button }) => {
    const scope = globalThis as { asked?: string[] };
    const note = (args: readonly unknown[]): void => {
      scope.asked = [...(scope.asked ?? []), JSON.stringify(args[args.length - 1])];
    };
    dialog.showOpenDialog = (...args: unknown[]) => {
      note(args);
      return Promise.resolve({ canceled: open === undefined, filePaths: open === undefined ? [] : [open] });
    };
    dialog.showSaveDialog = (...args: unknown[]) => {
      note(args);
      return Promise.resolve({ canceled: save === undefined, filePath: save ?? '' });
    };
    dialog.showMessageBox = (...args: unknown[]) => {
      note(args);
      return Promise.resolve({ response: button ?? 0, checkboxChecked: false });
    };
  }, answers);
}

export async function askedDialogs(app: ShellApp): Promise<readonly string[]> {
  return app.evaluate(() => {
    const scope = globalThis as { asked?: string[] };
    const asked = scope.asked ?? [];
    scope.asked = [];
    return asked;
  });
}

/** Clicks an entry of the menu by its id, which is the command that it runs. */
export async function clickMenu(app: ShellApp, id: string): Promise<void> {
  await app.evaluate(({ Menu }, wanted) => {
    const item = Menu.getApplicationMenu()?.getMenuItemById(wanted);
    if (item === null || item === undefined) throw new Error(`The menu has no entry ${wanted}.`);
    (item.click as () => void)();
  }, id);
}

/** The engine of a shell: the child process that runs `serve`. */
export function enginePid(shellPid: number): number {
  const children = readFileSync(`/proc/${shellPid}/task/${shellPid}/children`, 'utf8').trim().split(/\s+/);
  const found = children.map(Number).find((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('\0serve\0');
    } catch {
      return false;
    }
  });
  if (found === undefined) throw new Error('The shell has no engine.');
  return found;
}

/** True while a process lives; one that has ended and was not waited for yet is no longer alive. */
export function isAlive(pid: number): boolean {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return state !== undefined && state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean | Promise<boolean>, what: string, most = 30_000): Promise<void> {
  const end = Date.now() + most;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${most} ms.`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

export function titleOf(app: ShellApp): Promise<string> {
  return app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getTitle() ?? '');
}

/** What the window shows, asked by the shell itself: after a crash Playwright no longer knows the page. */
export function textOfPage(app: ShellApp): Promise<string> {
  return app.evaluate(async ({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    if (contents === undefined || contents.isLoading()) return '';
    // A question to a page that is gone is never answered.
    const never = new Promise((done) => setTimeout(() => done(''), 2000));
    const asked = contents.executeJavaScript('document.body.innerText').catch(() => '');
    return String(await Promise.race([asked, never]));
  });
}

let keys = 0;

/** A command of the table with the token that the shell gave the page. */
export async function callFrom<N extends CommandName>(
  page: Page,
  name: N,
  params: CommandInput<N>,
): Promise<CommandResult<N>> {
  const key = COMMANDS[name].mutates ? { key: `desk-${process.pid}-${++keys}` } : {};
  const asked = page.evaluate(
    async (body) => {
      const { espalier } = globalThis as unknown as { espalier: Shell };
      const response = await fetch('/api/command', {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${await espalier.token()}` },
        body,
      });
      return (await response.json()) as unknown;
    },
    JSON.stringify({ name, ...key, params }),
  );
  const answer = await inTime(asked, `The page did not answer ${name}`, 60_000);
  const typed = answer as Answer<CommandResult<N>>;
  if (!typed.ok) throw new Error(`${name} was refused: ${typed.diagnostics.map((d) => d.message).join(' ')}`);
  return typed.result;
}

/** Ends a shell whatever it is doing; a question about a run that goes on is answered with "Stop and quit". */
export async function closeShell({ app }: Launch): Promise<void> {
  // A shell that hangs answers nothing, and one that has ended is what is asked for.
  await answerDialogs(app, { button: 1 })
    .then(() => app.close())
    .catch(() => undefined);
  if (isAlive(app.pid)) process.kill(app.pid, 'SIGKILL');
}

/** The example document with another number of epochs. */
export function exampleOf(epochs: number): string {
  const text = readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8');
  const document = JSON.parse(text) as { workflow: { nodes: Record<string, { params: Record<string, unknown> }> } };
  for (const { params } of Object.values(document.workflow.nodes)) {
    if ('epochs' in params) params['epochs'] = epochs;
  }
  return JSON.stringify(document);
}
