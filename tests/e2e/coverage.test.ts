/** Every capability is shown by a test that names it, and tests name no capability that does not exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../build/setup.mjs';
import { CAPABILITIES, NOT_SHOWN_YET } from './capabilities.ts';
import { idsOf, titlesOf } from './harness/titles.ts';

const FOLDERS = [join('tests', 'e2e'), join('tests', 'electron', 'app')];

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name !== 'coverage.test.ts')
    .map((name) => join(folder, name)),
);
const shown = files.flatMap((file) =>
  titlesOf(file, readFileSync(join(root, file), 'utf8')).map((title) => ({ file, title, ids: idsOf(title) })),
);

it('every capability is named by an end-to-end test, but for those that are listed as not shown yet', () => {
  const named = new Set(shown.flatMap((s) => s.ids));
  expect(Object.keys(CAPABILITIES).filter((id) => !named.has(id))).toEqual(NOT_SHOWN_YET);
});

it('every end-to-end test names capabilities that exist', () => {
  const wrong = shown.flatMap(({ file, title, ids }) => {
    const unknown = ids.filter((id) => !(id in CAPABILITIES));
    if (ids.length === 0) return [`${file}: "${title}" names no capability`];
    return unknown.map((id) => `${file}: "${title}" names ${id}`);
  });
  expect(wrong).toEqual([]);
});

it('reads ids at the end of titles only', () => {
  expect(idsOf('opens [start.doors, start.recent]')).toEqual(['start.doors', 'start.recent']);
  expect(idsOf('opens [start.doors] twice')).toEqual([]);
  expect(titlesOf('x.test.ts', "it('a [b.c]', f); it.each([1])('n %s [d.e]', f); it(`t [f.g]`, f)")).toEqual([
    'a [b.c]',
    'n %s [d.e]',
    't [f.g]',
  ]);
});
