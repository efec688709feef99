/** Figures, numbers and keys as people read and write them. */
import { expect, it } from 'vitest';
import {
  formatBytes,
  formatCompact,
  formatCount,
  formatPlural,
  formatSeconds,
  formatShare,
  formatTime,
} from '../../../renderer/ui/format.ts';
import { ariaKeys, canonicalKeys, isPlainKey, keysOf } from '../../../renderer/ui/keys.ts';
import { rangeWords, readNumber, steppedNumber, writeNumber } from '../../../renderer/ui/numbers.ts';

it('writes counts, sizes, times and shares', () => {
  expect(formatCount(73728)).toBe('73,728');
  expect([formatCompact(770), formatCompact(22_713_216)]).toEqual(['770', '22.7 M']);
  expect([0, 999, 1600, 999_999, 943e6, 22e9].map(formatBytes)).toEqual([
    '0 B',
    '999 B',
    '1.6 kB',
    '1.0 MB',
    '943 MB',
    '22 GB',
  ]);
  expect([0.041, 1.5, 12, 59.7, 61, 200, 3600, 4800, 190_000].map(formatSeconds)).toEqual([
    '41 ms',
    '1.5 s',
    '12 s',
    '1 min',
    '1 min 1 s',
    '3 min 20 s',
    '1 h',
    '1 h 20 min',
    '2 d 4 h',
  ]);
  expect([0, 0.00001, 0.0032, 0.123, 1].map(formatShare)).toEqual(['0 %', '< 0.01 %', '0.32 %', '12.3 %', '100 %']);
  expect([formatPlural(1, 'problem'), formatPlural(1200, 'problem')]).toEqual(['1 problem', '1,200 problems']);
});

it('writes the time of today, else the day too', () => {
  const now = new Date('2026-11-21T15:00:00');
  expect(formatTime('2026-11-21T14:05:00', now)).toBe('14:05');
  expect(formatTime('2026-11-03T14:05:00', now)).toBe('3 Nov, 14:05');
  expect(formatTime('2025-11-03T14:05:00', now)).toBe('3 Nov 2025, 14:05');
  expect(formatTime('never', now)).toBe('never');
});

it.each([
  ['8', 8],
  ['0.5', 0.5],
  ['0,5', 0.5],
  ['1e-3', 0.001],
  ['1,000', 1000],
  [' 12 ', 12],
  ['50%', 0.5],
])('reads "%s" as %d', (text, value) => {
  expect(readNumber(text, { min: 0, max: 1e6, integer: false })).toEqual({ ok: true, value });
});

it.each([
  ['', 'is no number'],
  ['abc', 'is no number'],
  ['1.5', 'whole number'],
  ['-1', '0 to 10'],
  ['11', '0 to 10'],
])('refuses "%s" with the reason', (text, reason) => {
  const read = readNumber(text, { min: 0, max: 10, integer: true });
  expect(read.ok ? '' : read.error).toContain(reason);
});

it('steps by whole numbers, by a step, and by the first digit of a fraction', () => {
  const free = { min: -Infinity, max: Infinity, step: undefined, scale: 1 };
  expect(steppedNumber(8, 1, { ...free, integer: true })).toBe(9);
  expect(steppedNumber(8, -1, { ...free, integer: true, scale: 10 })).toBe(-2);
  expect(steppedNumber(0.5, 1, { ...free, integer: false, step: 0.25 })).toBe(0.75);
  expect(steppedNumber(0.003, 1, { ...free, integer: false })).toBe(0.004);
  expect(steppedNumber(0.001, -1, { ...free, integer: false })).toBe(0.0009);
  expect(steppedNumber(9, 1, { ...free, max: 9, integer: true })).toBe(9);
});

it('writes numbers that read back and ranges in words', () => {
  for (const value of [0.003, 1e-12, 1e20, 8, -0.5]) {
    expect(readNumber(writeNumber(value), { min: -1e30, max: 1e30, integer: false })).toEqual({ ok: true, value });
  }
  expect([rangeWords(1, 8), rangeWords(0, Infinity), rangeWords(-Infinity, 1)]).toEqual([
    '1 to 8',
    'at least 0',
    'at most 1',
  ]);
});

const press = (key: string, more: object = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  ...more,
});

it.each([
  [press('m'), 'M'],
  [press('M', { shiftKey: true }), 'Shift+M'],
  [press('z', { ctrlKey: true }), 'Ctrl+Z'],
  [press('Z', { ctrlKey: true, shiftKey: true }), 'Ctrl+Shift+Z'],
  [press('?', { shiftKey: true, code: 'Minus' }), '?'],
  [press('!', { shiftKey: true, code: 'Digit1' }), 'Shift+1'],
  [press('F6', { shiftKey: true }), 'Shift+F6'],
  [press(' '), 'Space'],
  [press('\\', { ctrlKey: true }), 'Ctrl+\\'],
  [press('å', { altKey: true, code: 'KeyA' }), 'Alt+A'],
  [press('Shift', { shiftKey: true }), ''],
])('names the keys of an event', (event, keys) => {
  expect(keysOf(event, false)).toBe(keys);
});

it('takes Cmd for Ctrl on a Mac', () => {
  expect(keysOf(press('k', { metaKey: true }), true)).toBe('Ctrl+K');
  expect(keysOf(press('k', { ctrlKey: true }), true)).toBe('K');
});

it('brings keys into one form', () => {
  expect(canonicalKeys('shift+ctrl+p')).toBe('Ctrl+Shift+P');
  expect(canonicalKeys('Ctrl++')).toBe('Ctrl++');
  expect(ariaKeys('Ctrl+Shift+P')).toBe('Control+Shift+P');
  expect(['M', 'Shift+M', '?', 'Delete', 'Ctrl+M', 'Alt+M', 'F6', 'Shift+F6'].map(isPlainKey)).toEqual([
    true,
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
