/** The work folders of compiled sessions: one for each device, removed with it, and swept after a crash. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { UserError } from '../../../engine/base/errors.ts';
import { deviceName, openDevice } from '../../../engine/workflow/devices.ts';

function home(): string {
  const folder = mkdtempSync(join(tmpdir(), 'espalier-home-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('makes a folder on the disk of the checkpoint and removes it', () => {
  const at = home();
  const device = openDevice({ weights: new Map(), near: at, home: at, threads: 1 });
  expect(readdirSync(join(at, 'work'))).toEqual([expect.stringContaining(`espalier-${process.pid}-`)]);
  expect(device.backend.identity).toMatch(/^onnx:cpu, ONNX Runtime \d.*, 1 threads$/);
  device.close();
  expect(readdirSync(join(at, 'work'))).toEqual([]);
});

it('sweeps what a killed process left, and nothing else', () => {
  const at = home();
  const gone = spawnSync(process.execPath, ['-e', '']).pid;
  for (const name of [`espalier-${gone}-aaaaaa`, `espalier-${process.ppid}-bbbbbb`, 'other']) {
    mkdirSync(join(at, 'work', name), { recursive: true });
  }
  openDevice({ weights: new Map(), near: at, home: at, threads: 1 }).close();
  expect(existsSync(join(at, 'work', `espalier-${gone}-aaaaaa`))).toBe(false);
  expect(readdirSync(join(at, 'work')).sort()).toEqual([`espalier-${process.ppid}-bbbbbb`, 'other'].sort());
});

it('refuses a device that there is none of', () => {
  expect(deviceName('onnx:cpu')).toBe('onnx:cpu');
  expect(() => deviceName('tpu')).toThrow(UserError);
});
