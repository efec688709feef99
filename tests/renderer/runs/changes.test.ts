/** The differences of two documents in words, and whether live figures belong to the draft. */
import { describe, expect, it } from 'vitest';
import type { Document } from '../../../engine/protocol/document.ts';
import {
  changeInWords,
  changesOf,
  differingSettings,
  relationOf,
  valueInWords,
} from '../../../renderer/runs/changes.ts';
import { smallDocument } from './fixtures.ts';

const words = (a: Document, b: Document): string[] => changesOf(a, b).map(changeInWords);

describe('changes of two documents', () => {
  const base = smallDocument();

  it('does not count titles, notes and the drawing', () => {
    const other = { ...base, title: 'another', notes: 'words', view: { graphs: {} } };
    expect(words(base, other)).toEqual([]);
    expect(relationOf(changesOf(base, other))).toBe('same');
  });

  it('names a setting of a step and calls the run a variant', () => {
    const other = smallDocument({ train: { lr: 0.01, epochs: 3 } });
    expect(words(base, other)).toEqual(['train: learning rate 0.001 → 0.01', 'train: seed 1 → default']);
    expect(relationOf(changesOf(base, other))).toBe('variant');
    expect(changesOf(base, other)[0]?.setting).toBe('train.lr');
  });

  it('names recipes, nodes inside stacks and wires', () => {
    const other = smallDocument({ rank: 16, withoutLora: true });
    expect(words(base, other)).toEqual(['main: LoRA removed', 'Recipe lora: rank 8 → 16']);
    expect(relationOf(changesOf(base, other))).toBe('other');
    const cut: Document = structuredClone(base);
    (cut.models['main' as never] as unknown as { edges: unknown[] }).edges.pop();
    expect(words(base, cut)).toEqual(['main: wire layers.hidden → head.x removed']);
  });

  it('writes values of layers, lists and switches', () => {
    expect(valueInWords({ all: 8, at: { '4-5': 16 } })).toBe('8 (layers 4-5: 16)');
    expect(valueInWords(['text', 'title'])).toBe('text, title');
    expect(valueInWords(false)).toBe('off');
    expect(valueInWords('')).toBe('(empty)');
  });

  it('tabulates only what differs among several documents', () => {
    const faster = smallDocument({ train: { lr: 0.01, epochs: 3, seed: 1 } });
    const wider = smallDocument({ rank: 16 });
    expect(differingSettings([base, faster, wider])).toEqual([
      { place: 'train', field: 'learning rate', values: ['0.001', '0.01', '0.001'] },
      { place: 'Recipe lora', field: 'rank', values: ['8', '8', '16'] },
    ]);
    expect(differingSettings([base, base])).toEqual([]);
  });
});
