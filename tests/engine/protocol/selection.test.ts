/** Layer selections: what each form names, and the words of the refusals. */
import { describe, expect, it } from 'vitest';
import {
  countsFromEnd,
  formatLayers,
  layerSelectionSchema,
  layersWithin,
  resolveLayers,
} from '../../../engine/protocol/selection.ts';
import { seeded } from './generate.ts';

const strict = (selection: string, first = 0, repeat = 12) => {
  const result = resolveLayers(selection, first, repeat);
  return result.ok ? result.value : result.error;
};

describe('resolveLayers', () => {
  it.each([
    ['all', [0, 1, 2, 3]],
    ['none', []],
    ['2', [2]],
    ['0-1', [0, 1]],
    ['0,3', [0, 3]],
    ['3, 0 ,3', [0, 3]],
    ['1-2,2-3', [1, 2, 3]],
    ['-1', [3]],
    ['-2..', [2, 3]],
    ['2..', [2, 3]],
    ['..1', [0, 1]],
    ['..-2', [0, 1, 2]],
    ['1..2', [1, 2]],
    ['-3..-2', [1, 2]],
  ])('%s in a stack of four', (selection, layers) => {
    expect(strict(selection, 0, 4)).toEqual(layers);
  });

  it('counts absolute numbers in a part of a stack', () => {
    expect(strict('5-6', 5, 7)).toEqual([5, 6]);
    expect(strict('-2..', 5, 7)).toEqual([10, 11]);
    expect(strict('all', 5, 2)).toEqual([5, 6]);
  });

  it.each([
    ['12', '"12" names layer 12, but the stack has layers 0 to 11'],
    ['10-12', '"10-12" names layer 12, but the stack has layers 0 to 11'],
    ['0,12..', '"12.." names layer 12, but the stack has layers 0 to 11'],
    ['-13', '"-13" names a layer before layer 0, but the stack has layers 0 to 11'],
    ['5-3', '"5-3" runs backwards; write the smaller layer number first'],
    ['-1..-2', '"-1..-2" runs backwards; write the smaller layer number first'],
    ['8..-6', '"8..-6" names no layer, because the stack has layers 0 to 11'],
  ])('refuses %s in words', (selection, words) => {
    expect(strict(selection)).toBe(words);
  });

  it.each(['', 'All', '1;2', '1-', '--1', '..', '-2--1', '1.5', 'all,1', '1,,2', '1e3', '123456', ',', '0-3 4'])(
    'refuses the text %j',
    (selection) => {
      expect(strict(selection)).toContain('is no layer selection; write "all"');
      expect(layerSelectionSchema.safeParse(selection).success).toBe(false);
    },
  );

  it('answers a long hostile text, on which a pattern that goes back would not end', () => {
    expect(strict(`${'1,'.repeat(250_000)}x`)).toContain('no layer selection');
    expect(strict(`${'1 '.repeat(200)}x`)).toContain('no layer selection');
  });
});

describe('layersWithin', () => {
  it('leaves out layers that the stack does not have', () => {
    expect(layersWithin('4-8', 0, 6)).toEqual({ ok: true, value: [4, 5] });
    expect(layersWithin('4..', 0, 4)).toEqual({ ok: true, value: [] });
    expect(layersWithin('9', 5, 3)).toEqual({ ok: true, value: [] });
    expect(layersWithin('2..9', 5, 3)).toEqual({ ok: true, value: [5, 6, 7] });
  });
  it('still refuses what is no selection', () => {
    expect(layersWithin('x', 0, 4).ok).toBe(false);
    expect(layersWithin('3-1', 0, 4).ok).toBe(false);
  });
});

describe('formatLayers', () => {
  it('is the inverse of resolving', () => {
    const r = seeded(1);
    for (let i = 0; i < 500; i++) {
      const first = r.int(20);
      const repeat = r.int(20) + 1;
      const layers = Array.from({ length: repeat }, (_, k) => first + k).filter(() => r.chance(0.5));
      expect(strict(formatLayers(layers, first, repeat), first, repeat)).toEqual(layers);
    }
  });
  it('writes the shortest form', () => {
    expect(formatLayers([5, 6, 7, 9, 9], 5, 7)).toBe('5-7,9');
    expect(formatLayers([5, 6], 5, 2)).toBe('all');
    expect(formatLayers([], 5, 2)).toBe('none');
  });
});

describe('countsFromEnd', () => {
  it.each([
    ['-1', true],
    ['0,-2..', true],
    ['..-2', true],
    ['0-3', false],
    ['4..', false],
    ['all', false],
  ])('%s', (selection, answer) => {
    expect(countsFromEnd(selection)).toBe(answer);
  });
});
