/**
 * Migrations: the framework, proven with a chain of made-up versions that ends in today's schema; and one before/after pair
 * of literals for each step of the real chain (which has none yet, as version 1 is the first).
 */
import { describe, expect, it } from 'vitest';
import { BugError } from '../../../engine/base/errors.ts';
import { documentMigrations, migrate, migrationChain, type JsonObject } from '../../../engine/protocol/migrations.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { DOCUMENT_VERSION } from '../../../engine/protocol/schema.ts';
import { knows } from './generate.ts';

/** Made-up past: version 7 had `name` instead of `title`, version 8 one `graph` instead of `models`. */
const FAKE = migrationChain(7, [
  {
    to: 8,
    name: 'rename-name-to-title',
    up: ({ name, ...rest }) => ({ title: name, ...rest }),
  },
  {
    to: 9,
    name: 'move-graph-into-models',
    up: ({ graph, ...rest }) => {
      if (graph === undefined) throw new TypeError('there is no graph');
      return { ...rest, models: { main: graph } };
    },
  },
]);

const BEFORE_7 = { format: 'espalier', version: 7, name: 'old', graph: { nodes: {} } };
const AFTER_8 = { format: 'espalier', version: 8, title: 'old', graph: { nodes: {} } };
const AFTER_9 = { format: 'espalier', version: 9, title: 'old', models: { main: { nodes: {} } } };

describe('a chain', () => {
  it('takes each version to the newest by its numbered steps', () => {
    expect(FAKE.current).toBe(9);
    expect(migrate({ ...FAKE, steps: FAKE.steps.slice(0, 1), current: 8 }, BEFORE_7, 7)).toEqual({
      ok: true,
      value: AFTER_8,
    });
    expect(migrate(FAKE, BEFORE_7, 7)).toEqual({ ok: true, value: AFTER_9 });
    expect(migrate(FAKE, AFTER_8, 8)).toEqual({ ok: true, value: AFTER_9 });
    expect(migrate(FAKE, AFTER_9, 9)).toEqual({ ok: true, value: AFTER_9 });
  });
  it('never changes what it was given', () => {
    const frozen = deepFreeze(structuredClone(BEFORE_7));
    expect(migrate(FAKE, frozen, 7).ok).toBe(true);
    expect(frozen).toEqual(BEFORE_7);
  });
  it('says which version it cannot take', () => {
    expect(migrate(FAKE, {}, 10)).toEqual({ ok: false, error: { kind: 'newer', version: 10 } });
    expect(migrate(FAKE, {}, 6)).toEqual({ ok: false, error: { kind: 'older', version: 6 } });
  });
  it('turns a step that fails on a malformed file into an answer', () => {
    expect(migrate(FAKE, { title: 'x' }, 8)).toMatchObject({
      ok: false,
      error: { kind: 'failed', step: { name: 'move-graph-into-models', to: 9 }, reason: 'there is no graph' },
    });
  });
  it('must be numbered without holes and have names of its own', () => {
    const up = (d: JsonObject): JsonObject => d;
    expect(() => migrationChain(1, [{ to: 3, name: 'a', up }])).toThrow(BugError);
    expect(() =>
      migrationChain(1, [
        { to: 2, name: 'a', up },
        { to: 3, name: 'a', up },
      ]),
    ).toThrow(BugError);
    expect(() => migrationChain(1, [{ to: 2, name: 'Add things', up }])).toThrow(BugError);
  });
});

describe('old files', () => {
  const kept = '{"type" :"alien.node" ,"n": 9007199254740993}';

  it('open through the steps, with the texts of unknown nodes untouched', () => {
    const chain = migrationChain(
      1,
      [FAKE.steps[0], FAKE.steps[1]].flatMap((s, i) => (s ? [{ ...s, to: i + 2 }] : [])),
    );
    const text = `{"format":"espalier","version":1,"name":"old","graph":{"nodes":{"a":${kept}}}}`;
    const parsed = parseDocument(text, 'f', { knows, migrations: { ...chain, steps: [...chain.steps, backToOne] } });
    expect(parsed.diagnostics).toEqual([]);
    expect(parsed.document?.title).toBe('old');
    expect(parsed.document && printDocument(parsed.document)).toContain(`"a": ${kept}`);
  });
  it('are refused in words when they are too old or malformed', () => {
    expect(parseDocument('{"format":"espalier","version":3}', 'f', { migrations: FAKE }).diagnostics).toMatchObject([
      { code: 'document-older', found: 'version 3' },
    ]);
    expect(parseDocument('{"format":"espalier","version":8}', 'f', { migrations: FAKE }).diagnostics).toMatchObject([
      { code: 'document-migration-failed', found: 'there is no graph' },
    ]);
  });
});

/** Today's schema asks for version 1, so the fake past ends by calling itself that. */
const backToOne = { to: 1, name: 'back-to-one', up: (d: JsonObject): JsonObject => d };

describe('the chain of the saved document', () => {
  it('ends with the version that the schema has', () => {
    expect(documentMigrations.current).toBe(DOCUMENT_VERSION);
  });
  it('has a before/after pair for every step', () => {
    const pairs: readonly { readonly to: number; readonly before: JsonObject; readonly after: JsonObject }[] = [];
    expect(pairs.map((p) => p.to)).toEqual(documentMigrations.steps.map((s) => s.to));
    for (const { to, before, after } of pairs) {
      const step = documentMigrations.steps.find((s) => s.to === to);
      expect(step?.up(deepFreeze(before))).toEqual(after);
    }
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
