/** The list of messages as a whole: every code is well formed, used in the sources, and asserted by some test. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentMessages } from '../../../engine/protocol/messages.ts';

const sources = textOf(new URL('../../../engine/protocol/', import.meta.url), (name) => !name.includes('messages'));
const tests = textOf(new URL('./', import.meta.url), (name) => name.endsWith('.test.ts') && !name.includes('messages'));

describe('messages of documents', () => {
  it.each(Object.keys(documentMessages))('%s', (code) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    const isJson = code.startsWith('json-') && code !== 'json-encoding';
    expect(sources).toContain(isJson ? `'${code.slice('json-'.length)}'` : `'${code}'`);
    expect(tests).toMatch(new RegExp(`['" ]${isJson ? `(json-)?${code.slice('json-'.length)}` : code}['" ]`));
  });
});

function textOf(folder: URL, isWanted: (name: string) => boolean): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && isWanted(name))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'))
    .join('\n');
}
