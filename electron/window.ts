/** The window: where it stands, what it shows, and that it comes back when its page is gone. */
import { BrowserWindow, nativeImage, nativeTheme, screen } from 'electron';
import { join } from 'node:path';
import { webPreferences } from './security.ts';
import { placeOf, readState, SMALLEST, writeState } from './windowState.ts';

export interface WindowOptions {
  readonly folder: string;
  readonly stateFile: string;
  readonly testShell: boolean;
  /** The address of the page; undefined while the engine is not there. */
  readonly origin: () => string | undefined;
  /** A person closes the window. True when nothing holds it up. */
  readonly onClose: () => boolean;
  readonly onPageGone: (reason: string) => void;
}

export interface AppWindow {
  readonly window: BrowserWindow;
  readonly load: () => void;
  readonly setTitle: (title: string, edited: boolean) => void;
  readonly show: () => void;
}

const BANNER = 'Test build on an outdated Electron. Not for use.';
/** A page that is gone again within this time of its last return is not loaded a fourth time. */
const MOST_RETURNS = 3;
const RETURNS_MS = 60_000;
/** A page that answers nothing for this long is ended and loaded again; the engine has its edits. */
const HANG_MS = 30_000;

export function createWindow(options: WindowOptions): AppWindow {
  const state = readState(options.stateFile);
  const place = placeOf(
    state,
    screen.getAllDisplays().map((d) => d.workArea),
  );
  const window = new BrowserWindow({
    ...place,
    minWidth: Math.min(SMALLEST.width, place.width ?? SMALLEST.width),
    minHeight: Math.min(SMALLEST.height, place.height ?? SMALLEST.height),
    show: false,
    title: 'Espalier',
    icon: nativeImage.createFromPath(join(options.folder, 'icon.png')),
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#14171C' : '#F6F7F9',
    webPreferences: webPreferences(join(options.folder, 'preload.js')),
  });
  if (state.maximized) window.maximize();

  const keepState = (): void => {
    if (window.isDestroyed() || window.isMinimized()) return;
    writeState(options.stateFile, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  };
  let keeping: NodeJS.Timeout | undefined;
  const keepSoon = (): void => {
    if (keeping !== undefined) clearTimeout(keeping);
    keeping = setTimeout(keepState, 500);
  };
  window.on('resize', keepSoon);
  window.on('move', keepSoon);
  window.on('close', (event) => {
    if (keeping !== undefined) clearTimeout(keeping);
    keepState();
    if (!options.onClose()) event.preventDefault();
  });
  window.once('ready-to-show', () => window.show());
  // The title is the shell's: a page that sets its own does not change what the window says.
  window.on('page-title-updated', (event) => event.preventDefault());

  const load = (): void => {
    const origin = options.origin();
    if (origin === undefined || window.isDestroyed()) return;
    // A load that fails because the engine went away is made again when it is back.
    window.loadURL(`${origin}/`).catch(() => undefined);
  };
  watchPage(window, options.onPageGone, load);
  if (options.testShell) showBanner(window);
  return {
    window,
    load,
    setTitle: (title, edited) => {
      const words = title === '' ? 'Espalier' : `${edited ? '• ' : ''}${title} - Espalier`;
      window.setTitle(options.testShell ? `${words} (${BANNER})` : words);
      if (process.platform === 'darwin') window.setDocumentEdited(edited);
    },
    show: () => {
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
    },
  };
}

/** Loads the page again when its process is gone, unless it goes again and again. */
function watchPage(window: BrowserWindow, onGone: (reason: string) => void, load: () => void): void {
  const contents = window.webContents;
  let returns: number[] = [];
  const back = (reason: string): void => {
    onGone(reason);
    const now = Date.now();
    returns = [...returns.filter((at) => now - at < RETURNS_MS), now];
    if (returns.length <= MOST_RETURNS) setTimeout(load, 100);
  };
  contents.on('render-process-gone', (_event, { reason }) => reason !== 'clean-exit' && back(reason));
  let hung = false;
  window.on('unresponsive', () => {
    hung = true;
    setTimeout(() => {
      if (!hung || window.isDestroyed()) return;
      // Versions before 12 cannot end the process of a page themselves.
      if (typeof contents.forcefullyCrashRenderer === 'function') contents.forcefullyCrashRenderer();
      else process.kill(contents.getOSProcessId(), 'SIGKILL');
    }, HANG_MS);
  });
  window.on('responsive', () => {
    hung = false;
  });
}

function showBanner(window: BrowserWindow): void {
  window.setTitle(`Espalier (${BANNER})`);
  const css = `html::after { content: "${BANNER}"; position: fixed; inset: auto 0 0 0; bottom: 0; left: 0; right: 0;
    z-index: 2147483647; padding: 2px 12px; background: #b3261e; color: #fff; font: 600 12px/16px sans-serif;
    text-align: center; pointer-events: none; }`;
  window.webContents.on('dom-ready', () => void window.webContents.insertCSS(css));
}
