/** How the app is packaged: the configuration fits its schema, its fuses are off, and an outdated Electron is refused. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { OLDEST_ELECTRON } from '../../build/electron.mjs';
import { ensureTestElectron } from '../../build/browsers.mjs';
import { root } from '../../build/setup.mjs';

const packageOfBuilder = createRequire(join(root, 'node_modules', 'electron-builder', 'package.json'));
/** Parses and validates a configuration as electron-builder itself does. */
const builder = packageOfBuilder('app-builder-lib/out/util/config/config.js') as {
  getConfig(folder: string, file: string, own: object | undefined): Promise<Record<string, unknown>>;
  validateConfiguration(config: object, log: { isEnabled: boolean; add(): void }): Promise<void>;
};

const read = (): Promise<Record<string, unknown>> =>
  builder.getConfig(root, join(root, 'build', 'electron-builder.yml'), undefined);
const silent = { isEnabled: false, add: () => undefined };

it('the configuration fits the schema of electron-builder', async () => {
  const config = await read();
  await expect(builder.validateConfiguration(config, silent)).resolves.toBeUndefined();
  // The check is alive: a name that does not exist is refused.
  await expect(builder.validateConfiguration({ ...config, linux: { targets: [] } }, silent)).rejects.toThrow(
    /does not match the API schema/,
  );
});

it('there are AppImage and deb, nsis and dmg, with the file association and icons', async () => {
  const config = await read();
  expect(config).toMatchObject({
    linux: { target: ['AppImage', 'deb'] },
    win: { target: 'nsis' },
    mac: { target: 'dmg' },
    fileAssociations: [{ ext: 'espalier.json', role: 'Editor' }],
    publish: null,
  });
  const icons = ['icon.png', ...[16, 32, 48, 64, 128, 256, 512].map((s) => join('linux', `${s}x${s}.png`))];
  expect(icons.filter((file) => !existsSync(join(root, 'build', 'icons', file)))).toEqual([]);
});

it('the fuses are off that could turn the app into something else', async () => {
  const { electronFuses } = await read();
  expect(electronFuses).toEqual({
    runAsNode: false,
    enableCookieEncryption: true,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    grantFileProtocolExtraPrivileges: false,
  });
});

it('an outdated Electron makes no product', () => {
  const folder = join(ensureTestElectron(), '..');
  const env = { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: folder };
  const done = spawnSync(process.execPath, [join('build', 'dist.mjs')], { cwd: root, env, encoding: 'utf8' });
  expect(done.status).toBe(2);
  expect(done.stderr).toMatch(/gets no security updates.*--test-shell/);
});

it('the pinned Electron is one that is maintained', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  expect(Number.parseInt(devDependencies['electron'] ?? '0', 10)).toBeGreaterThanOrEqual(OLDEST_ELECTRON);
});

it('no way of starting the app but the test shell switches the sandbox off', () => {
  const files = [
    'build/electron-builder.yml',
    'build/dist.mjs',
    'build/stage.mjs',
    'build/shell.mjs',
    'electron/window.ts',
  ];
  const found = files.filter((file) => readFileSync(join(root, file), 'utf8').includes('no-sandbox'));
  expect(found).toEqual([]);
});
