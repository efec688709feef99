import { expect, it } from 'vitest';
import { untold } from '../../../renderer/code/drafts.ts';

it('tells new, changed and removed drafts, and nothing twice', () => {
  const kept = new Map([
    ['same', 'a'],
    ['changed', 'b'],
    ['gone', 'c'],
  ]);
  const now = new Map([
    ['same', 'a'],
    ['changed', 'b2'],
    ['fresh', ''],
  ]);
  expect(untold(kept, now)).toEqual([['changed', 'b2'], ['fresh', ''], ['gone']]);
  expect(untold(now, now)).toEqual([]);
});
