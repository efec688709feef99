/** The generated JSON Schema is current, and it takes what the parser takes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { documentJsonSchema, documentJsonSchemaText, JSON_SCHEMA_FILE } from '../../../engine/protocol/jsonSchema.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { literal, node, stack } from './build.ts';
import { generateDocument } from './generate.ts';

const folder = new URL('../../../engine/protocol/generated/', import.meta.url);

describe('the JSON Schema', () => {
  it('in the repository is what build/document-schema.mjs writes', () => {
    expect(readFileSync(new URL(JSON_SCHEMA_FILE, folder), 'utf8')).toBe(documentJsonSchemaText());
  });

  it('agrees with the parser', () => {
    const schema = z.fromJSONSchema(documentJsonSchema());
    const inMain = (a: object) => literal({ models: { main: { nodes: { a } } } });
    const samples: readonly unknown[] = [
      literal({}),
      inMain(stack(0, 6, {}, { params: { r: { all: 8, at: { '4-5': 16 } } }, layers: '-2..', mute: true })),
      literal({ title: 3 }),
      literal({ more: 1 }),
      literal({ models: { 'a.b': { nodes: {} } } }),
      inMain(node({ raw: 'x' })),
      inMain(node({ params: { r: null } })),
      inMain(node({ layers: 'first' })),
      inMain(node({ version: 0 })),
      inMain(stack(0, 0)),
      literal({ banks: { b: { sources: [{ name: 's', artifact: { hash: 'x' } }] } } }),
      { ...literal({}), version: 2 },
    ];
    for (const sample of samples) {
      const text = JSON.stringify(sample);
      expect(schema.safeParse(sample).success, text).toBe(parseDocument(text, 'f').document !== undefined);
    }
  });

  it('takes generated documents', () => {
    const schema = z.fromJSONSchema(documentJsonSchema());
    let taken = 0;
    for (let seed = 0; seed < 80; seed++) {
      const text = printDocument(generateDocument(seed));
      if (text.includes('alien.node')) continue;
      taken++;
      expect(schema.safeParse(JSON.parse(text)).error, `seed ${seed}`).toBeUndefined();
    }
    expect(taken).toBeGreaterThan(10);
  });
});
