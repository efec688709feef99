/**
 * Nodes that mean harm: each is refused in words within three seconds, and leaves the process as it was. None may read,
 * write, connect or hang; a good node right after each still works.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CustomNodes } from '../../../engine/sandbox/customNodes.ts';
import { LIMITS } from '../../../engine/sandbox/thread.ts';
import { trySource } from '../../../engine/sandbox/trial.ts';
import { HARMLESS, HOSTILE, nodeWith } from './hostileNodes.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-hostile-'));
/** Shorter than in the app, so that a hundred endless nodes do not take minutes; the app's own limits are below 3 s too. */
const custom = new CustomNodes({
  folder,
  trusted: () => [],
  limits: { ...LIMITS, milliseconds: 250, hardMilliseconds: 1200 },
});
const before = { env: { ...process.env }, keys: Object.getOwnPropertyNames(Object.prototype).sort() };

beforeAll(() => {
  // The machine is started before anything is timed.
  expect(trySource(custom, 'good', nodeWith(), {}).diagnostics).toEqual([]);
}, 60_000);
afterAll(() => {
  custom.close();
  rmSync(folder, { recursive: true, force: true });
});

it('knows at least a hundred ways', () => {
  expect(HOSTILE.length).toBeGreaterThanOrEqual(100);
  expect(LIMITS.hardMilliseconds).toBeLessThan(3000);
});

describe('is refused in words', () => {
  it.each(HOSTILE.map((n) => [n.name, n.source] as const))('%s', (_name, source) => {
    // A thread that the node before had to be ended with starts anew; that is not this node's time.
    custom.warm();
    const begun = performance.now();
    const { trial, diagnostics } = trySource(custom, 'good', source, {});
    const seconds = (performance.now() - begun) / 1000;
    expect(trial).toBeUndefined();
    expect(diagnostics.length).toBeGreaterThan(0);
    for (const d of diagnostics) {
      expect(d.code).toMatch(/^[a-z-]+$/);
      expect(d.message).toMatch(/^\S[^]*[.!?]$/);
      expect(d.message.length).toBeLessThan(700);
      expect(d.fix).toMatch(/\.$/);
      // Nothing of the machine's inside or of this computer reaches the words.
      expect(d.message).not.toMatch(/r[o]ot:|\/usr\/|node:internal|wasm:/);
      expect(d.message).not.toContain(process.env['PATH'] ?? 'no path');
    }
    // Far above the limits, which are for an idle machine: this finds what would hang the app.
    expect(seconds).toBeLessThan(30);
  });
});

it.each(HARMLESS.map((n) => [n.name, n.source] as const))('odd, but the same module: %s', (_name, source) => {
  const { trial, diagnostics } = trySource(custom, 'good', source, {});
  expect(diagnostics).toEqual([]);
  expect(trial).toEqual(trySource(custom, 'good', nodeWith(), {}).trial);
});

it('leaves process, prototypes and disk as they were', () => {
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(before.keys);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(process.env).toEqual(before.env);
  expect(readdirSync(folder)).toEqual([]);
});

it('a good node works after all of them, and gives the same every time', () => {
  const first = trySource(custom, 'good', nodeWith(), {});
  const second = trySource(custom, 'good', `${nodeWith()}\n// another source`, {});
  expect(first.diagnostics).toEqual([]);
  expect(first.trial).toMatchObject({ outputs: { y: 'f32[B,T,384]' } });
  expect(second.trial?.program).toBe(first.trial?.program);
});
