/**
 * The desktop app: one window on the page that the engine serves, with menus, dialogs and files of the system. It knows
 * nothing of models or documents. This file only puts the parts together.
 */
import { app, Menu, powerSaveBlocker, session } from 'electron';
import { join } from 'node:path';
import type { ShellRun } from '../engine/protocol/api/shell.ts';
import { CHANNELS } from './channels.ts';
import { askAboutRuns, askToTryAgain } from './dialogs.ts';
import { createEngine, engineFolder, readEngineFiles } from './engine.ts';
import { documentsOf } from './files.ts';
import { buildMenu, type RecentEntry } from './menu.ts';
import { listen } from './messages.ts';
import { createQuit } from './quit.ts';
import { hardenApp, hardenSession } from './security.ts';
import { createWindow, type AppWindow } from './window.ts';

const CLOSE_MS = 10_000;

function run(): void {
  const appFolder = app.getAppPath();
  const files = readEngineFiles(join(engineFolder(app.isPackaged, process.resourcesPath, appFolder), 'engine.json'));
  let shown: AppWindow | undefined;
  let pageListens = false;
  let pageClosed: (() => void) | undefined;
  let blocker: number | undefined;
  let menuOf: string | undefined;
  let waiting: readonly string[] = documentsOf(process.argv.slice(1), process.cwd());

  const send = (channel: string, value: unknown): void => {
    const contents = shown?.window.webContents;
    if (contents !== undefined && !contents.isDestroyed()) contents.send(channel, value);
  };
  const engine = createEngine({
    files,
    workspace: process.env['ESPALIER_WORKSPACE'] ?? join(app.getPath('home'), 'Espalier'),
    environment: process.env,
    onReady: (_origin, isNew) => {
      if (isNew) shown?.load();
      void refreshMenu();
    },
    onLost: () => undefined,
    onFailed: (log) => void askToTryAgain(log).then((again) => (again ? engine.start() : app.exit(4))),
  });
  const openWaiting = async (): Promise<void> => {
    if (!pageListens || engine.origin() === undefined) return;
    const paths = waiting;
    waiting = [];
    for (const path of paths) {
      try {
        send(CHANNELS.openFile, await engine.grant(path, 'file'));
        app.addRecentDocument(path);
      } catch {
        // The file went away between the click and now; the page shows nothing it cannot open.
      }
    }
  };
  const refreshMenu = async (): Promise<void> => {
    const recent = await engine.command('app.recent', {}).catch(() => []);
    // A menu that is open closes when it is replaced, so it is replaced only when it changes.
    const text = JSON.stringify(recent);
    if (text === menuOf) return;
    menuOf = text;
    const ports = {
      run: (command: string) => send(CHANNELS.menu, command),
      openRecent: (index: number) => send(CHANNELS.openRecent, index),
      quit: () => app.quit(),
    };
    Menu.setApplicationMenu(buildMenu(ports, recent as readonly RecentEntry[]));
  };
  const setRunning = (runs: readonly ShellRun[]): void => {
    quit.runsChanged(runs);
    const progress = runs.find((r) => r.progress !== undefined)?.progress;
    shown?.window.setProgressBar(runs.length === 0 ? -1 : (progress ?? 2));
    if (runs.length > 0 && blocker === undefined) blocker = powerSaveBlocker.start('prevent-app-suspension');
    if (runs.length === 0 && blocker !== undefined) {
      powerSaveBlocker.stop(blocker);
      blocker = undefined;
    }
  };
  const quit = createQuit({
    ask: (words) => {
      if (shown === undefined) return Promise.resolve('stop');
      shown.show();
      return askAboutRuns(shown.window, words);
    },
    closePage: (stopRuns) =>
      new Promise((done) => {
        if (!pageListens || engine.origin() === undefined) return done();
        const timer = setTimeout(done, CLOSE_MS);
        pageClosed = () => {
          clearTimeout(timer);
          done();
        };
        send(CHANNELS.closeRequest, { stopRuns });
      }),
    hide: () => shown?.window.hide(),
    show: () => shown?.show(),
    leave: async () => {
      await engine.stop();
      app.quit();
    },
  });

  hardenApp(engine.origin);
  app.on('second-instance', (_event, args, folder) => {
    quit.comeBack();
    waiting = [...waiting, ...documentsOf(args.slice(1), folder)];
    void openWaiting();
  });
  app.on('open-file', (event, path) => {
    event.preventDefault();
    waiting = [...waiting, path];
    quit.comeBack();
    void openWaiting();
  });
  app.on('activate', () => quit.comeBack());
  app.on('before-quit', (event) => {
    if (!quit.request()) event.preventDefault();
  });
  app.on('window-all-closed', () => app.quit());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => quit.now());

  void app.whenReady().then(() => {
    hardenSession(session.defaultSession, engine.origin);
    shown = createWindow({
      folder: appFolder,
      stateFile: join(app.getPath('userData'), 'window.json'),
      testShell: files.testShell,
      origin: engine.origin,
      onClose: () => quit.request(),
      onPageGone: () => {
        pageListens = false;
        pageClosed?.();
      },
    });
    shown.window.webContents.on('did-start-navigation', (_event, _url, isInPlace, isMainFrame) => {
      if (isMainFrame && !isInPlace) pageListens = false;
    });
    listen({
      engine,
      window: () => shown?.window,
      setTitle: (title, edited) => {
        shown?.setTitle(title, edited);
        void refreshMenu();
      },
      setRunning,
      onReady: () => {
        pageListens = true;
        void openWaiting();
      },
      onClosed: () => pageClosed?.(),
      show: () => shown?.show(),
    });
    void refreshMenu();
    engine.start();
  });
}

// Every page runs in the system's sandbox, whatever its window says. Where the person who starts the app has switched that
// off (as root, in a container), asking for it would keep the app from starting; the window's own settings still hold.
if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
// A second launch only hands its files over.
if (app.requestSingleInstanceLock()) run();
else app.quit();
