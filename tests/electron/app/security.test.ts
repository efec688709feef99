/**
 * Electron's security points, each with the test that holds it. The list is that of Electron's own documentation
 * ("Security, native capabilities, and your responsibility"); the last test keeps the table whole.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';
import { titlesOf } from '../../e2e/harness/titles.ts';
import { closeShell, makeDesk, type Desk, type Launch } from './shell.ts';

const HERE = join('tests', 'electron', 'app', 'security.test.ts');
const CONFIG = join('tests', 'electron', 'packaging.test.ts');
const PARTS = join('tests', 'electron', 'parts.test.ts');

/** Point, file of the test, beginning of its title. */
const POINTS: readonly (readonly [point: string, file: string, title: string])[] = [
  ['1 only load secure content', HERE, 'nothing is loaded from anywhere but the engine'],
  ['2 no Node integration for remote content', HERE, 'the page is sandboxed'],
  ['3 context isolation', HERE, 'the page is sandboxed'],
  ['4 process sandboxing', HERE, 'the page is sandboxed'],
  ['5 permission requests are handled', HERE, 'permissions are denied'],
  ['6 webSecurity stays on', HERE, 'the page is sandboxed'],
  ['7 a content security policy', HERE, 'the page has a strict content security policy'],
  ['8 no insecure content', HERE, 'the page is sandboxed'],
  ['9 no experimental features', HERE, 'the page is sandboxed'],
  ['10 no blink features', HERE, 'the page is sandboxed'],
  ['11 no popups of webviews', HERE, 'webviews do not exist'],
  ['12 webviews are verified', HERE, 'webviews do not exist'],
  ['13 navigation is limited', HERE, 'the window stays at the engine'],
  ['14 new windows are limited', HERE, 'no second window opens'],
  ['15 openExternal gets trusted content only', HERE, 'only links of known hosts reach the system'],
  ['16 a current version of Electron', CONFIG, 'an outdated Electron makes no product'],
  ['17 the sender of each message is checked', HERE, 'messages of another page are refused'],
  ['18 no file:// protocol', HERE, 'nothing is loaded from anywhere but the engine'],
  ['19 fuses are set', CONFIG, 'the fuses are off'],
  ['20 no Electron API for the page', HERE, 'the page gets ten functions and nothing else'],
  ['the engine is verified before the token goes out', PARTS, 'is believed only when it knows the secret'],
  ['links are judged by their parts', PARTS, 'hands only https links of known hosts to the system'],
];

let desk: Desk;
let launch: Launch;

beforeAll(async () => {
  desk = await makeDesk();
  launch = await desk.launch();
  // What the shell hands to the system's browser is noted instead.
  await launch.app.evaluate(({ shell }) => {
    const scope = globalThis as { opened?: string[] };
    const opened: string[] = [];
    scope.opened = opened;
    shell.openExternal = (url: string) => {
      opened.push(url);
      return Promise.resolve();
    };
  });
}, 600_000);

afterAll(async () => {
  await closeShell(launch);
  desk.remove();
});

const openedLinks = (): Promise<readonly string[]> =>
  launch.app.evaluate(() => {
    const scope = globalThis as { opened?: string[] };
    return scope.opened?.splice(0) ?? [];
  });

it('the page is sandboxed, isolated and without Node [desktop.hardened]', async () => {
  expect(
    await launch.page.evaluate(() => {
      const scope = globalThis as Record<string, unknown>;
      return ['require', 'process', 'module', 'Buffer', 'global'].filter((name) => scope[name] !== undefined);
    }),
  ).toEqual([]);
  const preferences = await launch.app.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
      getLastWebPreferences(): Record<string, unknown>;
    };
    return contents.getLastWebPreferences();
  });
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
  });
  expect(preferences['enableBlinkFeatures'] ?? '').toBe('');
  expect(preferences['enableRemoteModule'] ?? false).toBe(false);
});

it('the page gets ten functions and nothing else [desktop.hardened]', async () => {
  const given = await launch.page.evaluate(() => {
    const { espalier } = globalThis as unknown as { espalier: Record<string, unknown> };
    return Object.entries(espalier).map(([name, value]) => `${name}: ${typeof value}`);
  });
  const names = ['notify', 'onCloseRequest', 'onMenu', 'onOpenFile', 'onOpenRecent', 'openDialog', 'saveDialog'];
  expect([...given].sort()).toEqual([...names, 'setRunning', 'setTitle', 'token'].map((n) => `${n}: function`));
});

it('the page has a strict content security policy [desktop.hardened]', async () => {
  const policy = await launch.page.evaluate(async () => (await fetch('/')).headers.get('content-security-policy'));
  expect(policy).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy?.match(/unsafe-eval|https?:\*|\*/g) ?? []).toEqual([]);
});

it('permissions are denied [desktop.hardened]', async () => {
  const answers = await launch.page.evaluate(async () => {
    const asked = async (what: () => Promise<unknown>): Promise<string> => {
      try {
        return String(await what());
      } catch (error) {
        return (error as Error).name;
      }
    };
    return {
      camera: await asked(() => navigator.mediaDevices.getUserMedia({ video: true })),
      place: await asked(
        () => new Promise((done, fail) => navigator.geolocation.getCurrentPosition(done, () => fail(new Error('no')))),
      ),
      notices: await asked(() => Notification.requestPermission()),
    };
  });
  expect(answers.camera).toMatch(/NotAllowedError|NotFoundError|NotSupportedError/);
  expect(answers.place).toBe('Error');
  expect(answers.notices).toBe('denied');
});

it('nothing is loaded from anywhere but the engine [desktop.hardened]', async () => {
  let asked = 0;
  const stranger = createServer((_request, reply) => {
    asked += 1;
    reply.end('<p>stranger</p>');
  });
  await new Promise<void>((done) => stranger.listen(0, '127.0.0.1', done));
  const { port } = stranger.address() as AddressInfo;
  const addresses = [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, 'file:///etc/hostname'];
  const outcomes = await launch.app.evaluate(async ({ BrowserWindow }, urls) => {
    const found: string[] = [];
    for (const url of urls) {
      // A window of its own: the page that tells of a refusal would count as loaded for the address after it.
      const window = new BrowserWindow({ show: false });
      try {
        await window.loadURL(url);
        found.push(`loaded ${url}`);
      } catch {
        found.push('refused');
      }
      window.destroy();
    }
    return found;
  }, addresses);
  stranger.close();
  expect(outcomes).toEqual(['refused', 'refused', 'refused']);
  expect(asked).toBe(0);
});

it('the window stays at the engine [desktop.hardened]', async () => {
  const before = launch.page.url();
  for (const address of ['https://example.org/', 'http://127.0.0.1:9/', 'file:///etc/passwd', 'data:text/html,x']) {
    await launch.page.evaluate((url) => void (location.href = url), address).catch(() => undefined);
    await launch.page.waitForTimeout(200);
    expect(launch.page.url()).toBe(before);
  }
  expect(await openedLinks()).toEqual([]);
});

it('no second window opens [desktop.hardened]', () => {
  const addresses = ['https://example.org/', 'about:blank', '/', 'javascript:alert(1)'];
  for (const outcome of desk.probe(addresses.map((address) => `void open(${JSON.stringify(address)})`))) {
    expect(outcome).toEqual({ answers: true, windows: 1, contents: 1, opened: [] });
  }
});

it('only links of known hosts reach the system [desktop.hardened]', () => {
  const links = ['https://arxiv.org/abs/2106.09685', 'https://evil.example/', 'file:///etc/passwd', 'smb://host/x'];
  const outcomes = desk.probe(
    links.map(
      (href) => `{
        const link = document.createElement('a');
        link.href = ${JSON.stringify(href)};
        link.target = '_blank';
        document.body.append(link);
        link.click();
        link.remove();
      }`,
    ),
  );
  const [paper, ...others] = outcomes;
  expect(paper).toEqual({ answers: true, windows: 1, contents: 1, opened: links.slice(0, 1) });
  for (const outcome of others) expect(outcome).toEqual({ answers: true, windows: 1, contents: 1, opened: [] });
});

it('webviews do not exist [desktop.hardened]', async () => {
  const kind = await launch.page.evaluate(() => {
    const view = document.createElement('webview');
    view.setAttribute('src', 'https://example.org/');
    document.body.append(view);
    const found = typeof (view as unknown as { loadURL?: unknown }).loadURL;
    view.remove();
    return found;
  });
  expect(kind).toBe('undefined');
  const count = await launch.app.evaluate(({ webContents }) => webContents.getAllWebContents().length);
  expect(count).toBe(1);
});

it('messages of another page are refused [desktop.hardened]', async () => {
  // A page that somehow got the preload script, at an address that is not the engine's.
  const answers = await launch.app.evaluate(async ({ app, BrowserWindow }) => {
    const window = new BrowserWindow({
      show: false,
      webPreferences: { preload: `${app.getAppPath()}/preload.js`, sandbox: true, contextIsolation: true },
    });
    await window.loadURL('data:text/html,<p>other</p>');
    const asked = async (code: string): Promise<string> => {
      try {
        return String(await window.webContents.executeJavaScript(`${code}.catch((e) => 'refused: ' + e.message)`));
      } catch (error) {
        return `refused: ${(error as Error).message}`;
      }
    };
    const found = [await asked('espalier.token()'), await asked('espalier.openDialog("document")')];
    window.destroy();
    return found;
  });
  for (const answer of answers) expect(answer).toMatch(/^refused: .*may not ask/);
});

it('every security point has its test [desktop.hardened]', () => {
  const titles = new Map<string, readonly string[]>();
  const missing = POINTS.filter(([, file, title]) => {
    const found = titles.get(file) ?? titlesOf(file, readFileSync(join(root, file), 'utf8'));
    titles.set(file, found);
    return !found.some((t) => t.startsWith(title));
  });
  expect(missing).toEqual([]);
  expect(POINTS.filter(([point]) => /^\d/.test(point)).map(([point]) => Number.parseInt(point, 10))).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});
