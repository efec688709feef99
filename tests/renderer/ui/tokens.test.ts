/** The colours of the design keep their contrasts, computed as WCAG says, in both themes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../../build/setup.mjs';

const css = readFileSync(join(root, 'renderer/ui/tokens.css'), 'utf8');

function theme(selector: string): ReadonlyMap<string, string> {
  const block = css.slice(css.indexOf(selector)).split('}')[0] ?? '';
  return new Map([...block.matchAll(/--([a-z0-9-]+): (#[0-9a-f]{6});/g)].map((m) => [m[1] ?? '', m[2] ?? '']));
}
const THEMES = { light: theme("[data-theme='light']"), dark: theme("[data-theme='dark']") } as const;

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
export function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

const TEXTS = [
  'text',
  'text2',
  'disabled',
  'frozen',
  'trainable',
  'data',
  'error',
  'transform',
  'affine',
  'kv',
  'focus',
];
const GROUNDS = ['bg', 'surface', 'raised'];
const TINTS = [
  ['trainable', 'tint-trainable'],
  ['frozen', 'tint-frozen'],
  ['error', 'tint-error'],
  ['data', 'tint-data'],
  ['focus', 'tint-focus'],
  ['transform', 'tint-transform'],
] as const;

it.each(Object.entries(THEMES))('texts of the %s theme have a contrast of 4.5 on every ground', (_, colours) => {
  const low = TEXTS.flatMap((text) =>
    GROUNDS.flatMap((ground) => {
      const ratio = contrast(colours.get(text) ?? '', colours.get(ground) ?? '');
      return ratio >= 4.5 ? [] : [`${text} on ${ground}: ${ratio.toFixed(2)}`];
    }),
  );
  expect(low).toEqual([]);
});

it.each(Object.entries(THEMES))('colours of the %s theme have a contrast of 4.5 on their tints', (_, colours) => {
  const low = TINTS.flatMap(([text, tint]) => {
    const ratio = contrast(colours.get(text) ?? '', colours.get(tint) ?? '');
    return ratio >= 4.5 ? [] : [`${text} on ${tint}: ${ratio.toFixed(2)}`];
  });
  expect(low).toEqual([]);
});

it.each(Object.entries(THEMES))('borders of controls of the %s theme have a contrast of 3', (_, colours) => {
  for (const ground of GROUNDS) {
    expect(contrast(colours.get('border') ?? '', colours.get(ground) ?? '')).toBeGreaterThanOrEqual(3);
  }
});

it.each(Object.entries(THEMES))('filled buttons of the %s theme have a contrast of 4.5', (_, colours) => {
  for (const fill of ['focus', 'focus-strong', 'error', 'error-strong', 'trainable']) {
    expect(contrast(colours.get(fill) ?? '', colours.get('on-fill') ?? ''), fill).toBeGreaterThanOrEqual(4.5);
  }
});

it('both themes name the same colours', () => {
  expect([...THEMES.light.keys()].sort()).toEqual([...THEMES.dark.keys()].sort());
});
