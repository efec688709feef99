/**
 * Which Electron runs the app: the one that a person names, else the pinned one, downloaded the first time it is wanted.
 * There may be none, on a machine without a network or a screen: the app then runs in a browser.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { electronVersion } from './browsers.mjs';
import { root } from './setup.mjs';

/** Older ones get no security updates any more; they are good for tests of the shell alone. */
export const OLDEST_ELECTRON = 40;

const DOWNLOAD_MS = 10 * 60_000;
const ASK_AGAIN_MS = 24 * 3600_000;

const executables = { linux: 'electron', win32: 'electron.exe', darwin: 'Electron.app/Contents/MacOS/Electron' };

/** @typedef {{ folder: string, executable: string, version: string, outdated: boolean }} Electron */

/**
 * @param {string} folder an Electron as it is unpacked from its archive
 * @returns {Electron | undefined}
 */
export function electronIn(folder) {
  const name = executables[/** @type {keyof typeof executables} */ (process.platform)] ?? executables.linux;
  const executable = join(folder, name);
  const version = electronVersion(folder);
  if (version === undefined || !existsSync(executable)) return undefined;
  return { folder, executable, version, outdated: Number.parseInt(version, 10) < OLDEST_ELECTRON };
}

/**
 * @param {{ download?: boolean }} [options] `download`: get the pinned one when it is not there
 * @returns {Electron | undefined}
 */
export function findElectron({ download = false } = {}) {
  const named = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  if (named !== undefined && named !== '') return electronIn(named);
  const folder = join(root, 'node_modules', 'electron', 'dist');
  return electronIn(folder) ?? (download && downloadElectron() ? electronIn(folder) : undefined);
}

/** True when a window can be shown. */
export function hasDisplay() {
  if (process.platform !== 'linux') return true;
  return (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== '';
}

/** A download that failed is tried again the next day, or when the pinned version changes. */
function downloadElectron() {
  const script = join(root, 'node_modules', 'electron', 'install.js');
  if (!existsSync(script)) return false;
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'electron', 'package.json'), 'utf8'));
  const failed = join(root, '.cache', `electron-${version}.failed`);
  const told = statSync(failed, { throwIfNoEntry: false });
  if (told !== undefined && Date.now() - told.mtimeMs < ASK_AGAIN_MS) return false;
  process.stderr.write(`setup  electron ${version} (once, about 110 MB)\n`);
  const done = spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 'pipe'], timeout: DOWNLOAD_MS });
  if (done.status === 0) return true;
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(failed, done.stderr);
  const first = done.stderr.toString('utf8').trim().split('\n')[0] ?? '';
  process.stderr.write(`setup  electron could not be downloaded (${first}); the app runs in a browser instead\n`);
  return false;
}
