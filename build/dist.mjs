/**
 * `npm run dist`: packages the app for this system into build/out/dist. Without a network that is the app's folder and an
 * archive of it; `--installers` makes what electron-builder.yml names (AppImage and deb, nsis, dmg), for which
 * electron-builder gets its tools. An outdated Electron is refused, unless `--test-shell` asks for an artefact that is named
 * so, says so in its window, and is for tests alone.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findElectron, OLDEST_ELECTRON } from './electron.mjs';
import { ensureNode, root, runMain, SetupError } from './setup.mjs';

const out = join(root, 'build', 'out');

/**
 * @param {{ testShell?: boolean, installers?: boolean, archive?: boolean }} [options]
 * @returns {Promise<{ folder: string, archive: string | undefined }>}
 */
export async function dist({ testShell = false, installers = false, archive = true } = {}) {
  const electron = findElectron({ download: true });
  if (electron === undefined) {
    throw new SetupError(
      'No Electron is there and it could not be downloaded. Run this with a network once, or name the folder of an ' +
        'Electron in the variable ELECTRON_OVERRIDE_DIST_PATH.',
    );
  }
  if (electron.outdated && !testShell) {
    throw new SetupError(
      `Electron ${electron.version} gets no security updates; an app for people needs ${OLDEST_ELECTRON} or newer. ` +
        '"npm run dist -- --test-shell" makes an artefact for tests from it.',
    );
  }
  const { buildEngine, buildShell } = await import('./shell.mjs');
  const { buildPage } = await import('./page.mjs');
  const { stageEngine } = await import('./stage.mjs');
  const entry = await buildEngine();
  const page = await buildPage({ compatible: electron.outdated });
  await buildShell(join(out, 'shell-dist'));
  stageEngine(join(out, 'engine'), { entry, page, testShell });
  rmSync(join(out, 'dist'), { recursive: true, force: true });

  const { build } = await import('electron-builder');
  await build({
    projectDir: root,
    publish: 'never',
    ...(installers ? {} : { dir: true }),
    config: /** @type {any} */ ({
      extends: join(root, 'build', 'electron-builder.yml'),
      electronVersion: electron.version,
      electronDist: electron.folder,
      // Fuses came with Electron 12.
      ...(electron.outdated ? { electronFuses: null } : {}),
      ...(testShell ? { productName: testName } : {}),
      afterPack: completeApp,
    }),
  });
  const folder = unpackedFolder();
  return { folder, archive: archive && !installers ? makeArchive(folder, testShell) : undefined };
}

const testName = 'Espalier-TEST-SHELL';

/**
 * Puts the engine into the app before it is signed or archived. An Electron that was unpacked by hand has the app that it
 * shows without one; it must not be in ours.
 * @param {{ appOutDir: string, electronPlatformName: string, packager: { appInfo: { productFilename: string } } }} pack
 */
async function completeApp({ appOutDir, electronPlatformName, packager }) {
  const isMac = electronPlatformName === 'darwin';
  const inside = isMac ? [`${packager.appInfo.productFilename}.app`, 'Contents', 'Resources'] : ['resources'];
  const resources = join(appOutDir, ...inside);
  rmSync(join(resources, 'default_app.asar'), { force: true });
  cpSync(join(out, 'engine'), join(resources, 'engine'), { recursive: true });
}

function unpackedFolder() {
  const names = {
    linux: 'linux-unpacked',
    win32: 'win-unpacked',
    darwin: process.arch === 'arm64' ? 'mac-arm64' : 'mac',
  };
  const name = names[/** @type {keyof typeof names} */ (process.platform)] ?? names.linux;
  const folder = join(out, 'dist', name);
  if (!existsSync(folder)) throw new SetupError(`electron-builder left no ${folder}.`);
  return folder;
}

/**
 * @param {string} folder
 * @param {boolean} testShell
 */
function makeArchive(folder, testShell) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const system =
    { linux: 'linux', win32: 'windows', darwin: 'mac' }[/** @type {'linux'} */ (process.platform)] ?? 'linux';
  const name = `${testShell ? testName : 'Espalier'}-${version}-${system}-${process.arch}`;
  const renamed = join(out, 'dist', name);
  renameSync(folder, renamed);
  const file = `${renamed}.${process.platform === 'win32' ? 'zip' : 'tar.gz'}`;
  // tar is part of all three systems; the one of Windows writes zip files by their name.
  const done = spawnSync('tar', ['-caf', file, '-C', join(out, 'dist'), name], { stdio: ['ignore', 2, 2] });
  renameSync(renamed, folder);
  if (done.status !== 0) throw new SetupError(`The archive ${file} could not be made.`);
  return file;
}

if (process.argv[1]?.endsWith('dist.mjs')) {
  await runMain(async () => {
    ensureNode();
    const [testShell, installers] = [process.argv.includes('--test-shell'), process.argv.includes('--installers')];
    const { folder, archive } = await dist({ testShell, installers });
    process.stdout.write(`The app is in ${folder}\n${archive === undefined ? '' : `The archive is ${archive}\n`}`);
    return 0;
  });
}
