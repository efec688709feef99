/** Parameters per layer: the value that holds, and the book-keeping of overrides. */
import { describe, expect, it } from 'vitest';
import type { ParamValue } from '../../../engine/protocol/document.ts';
import { recordOf } from '../../../engine/protocol/ids.ts';
import {
  layered,
  resetToStack,
  setForAll,
  setForLayers,
  valueAt,
  valuesByLayer,
} from '../../../engine/protocol/params.ts';
import { seeded } from './generate.ts';

const SIX = { first: 0, repeat: 6 };
const at = (all: number, entries: Record<string, number>): ParamValue => ({
  all,
  at: recordOf(Object.entries(entries)),
});

describe('reading', () => {
  it('takes the override of the layer, else the value of the stack', () => {
    const value = at(8, { '4-5': 16, '-6': 4 });
    expect([...valuesByLayer(value, SIX).values()]).toEqual([4, 8, 8, 8, 16, 16]);
    expect(valueAt(value, 5, SIX)).toBe(16);
  });
  it('gives plain values and lists to every layer', () => {
    expect(valueAt(3, 2, SIX)).toBe(3);
    expect(valueAt(['q', 'v'], 2, SIX)).toEqual(['q', 'v']);
  });
  it('passes over layers that the stack does not have', () => {
    expect([...valuesByLayer(at(8, { '4-9': 16 }), { first: 3, repeat: 2 }).values()]).toEqual([8, 16]);
  });
});

describe('overrides', () => {
  it('are grouped by value, in the order of the layers', () => {
    expect(setForLayers(8, '4-5', 16, SIX)).toEqual({ ok: true, value: at(8, { '4-5': 16 }) });
    expect(setForLayers(at(8, { '4-5': 16 }), '0,2', 16, SIX)).toEqual({ ok: true, value: at(8, { '0,2,4-5': 16 }) });
    expect(setForLayers(at(8, { '4-5': 16 }), '5', 4, SIX)).toEqual({ ok: true, value: at(8, { '4': 16, '5': 4 }) });
  });
  it('that equal the value of the stack are kept', () => {
    expect(setForLayers(8, '1', 8, SIX)).toEqual({ ok: true, value: at(8, { '1': 8 }) });
  });
  it('go when the value is set for all, or reset', () => {
    expect(setForAll(4)).toBe(4);
    expect(resetToStack(at(8, { '4-5': 16 }), '4', SIX)).toEqual({ ok: true, value: at(8, { '5': 16 }) });
    expect(resetToStack(at(8, { '4-5': 16 }), 'all', SIX)).toEqual({ ok: true, value: 8 });
    expect(resetToStack(8, '1', SIX)).toEqual({ ok: true, value: 8 });
  });
  it('are refused for lists and for layers that do not exist', () => {
    expect(setForLayers(['a'], '1', 'b', SIX)).toEqual({ ok: false, error: 'a list has no overrides per layer' });
    expect(setForLayers(8, '6', 1, SIX)).toMatchObject({ ok: false });
    expect(resetToStack(at(8, { '1': 2 }), '6', SIX)).toMatchObject({ ok: false });
  });

  it('agree with a table of values after any series of edits', () => {
    const r = seeded(7);
    for (let run = 0; run < 100; run++) {
      const range = { first: r.int(5), repeat: r.int(6) + 1 };
      let value: ParamValue = 0;
      const table = new Map(Array.from({ length: range.repeat }, (_, i) => [range.first + i, 0]));
      for (let step = 0; step < 12; step++) {
        const layers = [...table.keys()].filter(() => r.chance(0.4));
        const selection = layers.length === 0 ? 'none' : layers.join(',');
        const number = r.int(3);
        if (r.chance(0.3)) {
          const reset = resetToStack(value, selection, range);
          if (!reset.ok) throw new Error(reset.error);
          for (const layer of layers) table.set(layer, 0);
          value = reset.value;
        } else {
          const set = setForLayers(value, selection, number, range);
          if (!set.ok) throw new Error(set.error);
          for (const layer of layers) table.set(layer, number);
          value = set.value;
        }
        expect(new Map(valuesByLayer(value, range))).toEqual(table);
      }
    }
  });

  it('have one normal form', () => {
    expect(layered(1, new Map())).toBe(1);
    expect(
      layered(
        1,
        new Map([
          [3, 2],
          [1, 2],
          [2, 5],
        ]),
      ),
    ).toEqual(at(1, { '1,3': 2, '2': 5 }));
  });
});
