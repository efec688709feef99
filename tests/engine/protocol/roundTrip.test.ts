/** Properties of reading and printing over many generated documents, and of texts that were not made here. */
import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { generateDocument, knows } from './generate.ts';

const SEEDS = Array.from({ length: 200 }, (_, i) => i);
const parse = (text: string) => parseDocument(text, 'test.espalier', { knows });

describe('generated documents', () => {
  it('come back equal from their text, and the text from its document', () => {
    for (const seed of SEEDS) {
      const document = generateDocument(seed);
      const text = printDocument(document);
      const parsed = parse(text);
      expect(parsed.diagnostics, `seed ${seed}`).toEqual([]);
      expect(parsed.document, `seed ${seed}`).toEqual(document);
      expect(printDocument(parsed.document ?? document), `seed ${seed}`).toBe(text);
    }
  });

  it('have a sound structure', () => {
    for (const seed of SEEDS) expect(checkStructure(generateDocument(seed)), `seed ${seed}`).toEqual([]);
  });

  it('mean the same after JSON has been written another way', () => {
    for (const seed of SEEDS.slice(0, 100)) {
      const document = generateDocument(seed);
      const squeezed = JSON.stringify(withoutUnknown(JSON.parse(printKnown(seed)) as unknown));
      const parsed = parse(squeezed);
      expect(parsed.diagnostics, `seed ${seed}`).toEqual([]);
      expect(printDocument(parsed.document ?? document), `seed ${seed}`).toBe(printKnown(seed));
    }
  });

  it('keep the text of unknown nodes byte for byte inside any layout', () => {
    let kept = 0;
    for (const seed of SEEDS) {
      const document = generateDocument(seed);
      const text = printDocument(document);
      const indented = text.replaceAll('\n', '\n\t ');
      const parsed = parse(indented);
      expect(parsed.diagnostics).toEqual([]);
      for (const raw of raws(parsed.document)) {
        kept++;
        expect(indented).toContain(raw);
        expect(printDocument(parsed.document ?? document)).toContain(raw);
      }
    }
    expect(kept).toBeGreaterThan(60);
  });
});

/** The text of a generated document with its unknown nodes replaced by plain ones. */
function printKnown(seed: number): string {
  return printDocument(withoutUnknown(generateDocument(seed)));
}

function withoutUnknown<T>(value: T): T {
  return JSON.parse(
    JSON.stringify(value, (_key, v: unknown) => (isKept(v) ? { type: 'plain', version: 1, params: {} } : v)),
  ) as T;
}

const isKept = (value: unknown): boolean => typeof value === 'object' && value !== null && 'raw' in value;

function raws(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, v]) => (key === 'raw' && typeof v === 'string' ? [v] : raws(v)));
}
