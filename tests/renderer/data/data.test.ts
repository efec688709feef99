/** Data steps, roles of columns, edits of tables, and findings in words. */
import { describe, expect, it } from 'vitest';
import type { DataChecks } from '../../../engine/protocol/api/data.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import type { NodeId } from '../../../engine/protocol/ids.ts';
import { findingsOf, lengthFor } from '../../../renderer/data/findings.ts';
import { addTable, dataKey, dataSteps, roleOf, setTable, tableOf, withRole } from '../../../renderer/data/steps.ts';
import { smallDocument } from '../runs/fixtures.ts';

const withSources = (): Document => {
  const document: Document = structuredClone(smallDocument());
  const nodes = document.workflow.nodes as unknown as Record<string, unknown>;
  nodes['split'] = { type: 'data.split', version: 1, params: {} };
  nodes['sources'] = {
    type: 'for-each',
    version: 1,
    params: {},
    items: [
      { name: 'mnli', set: {} },
      { name: 'qqp', set: {} },
      { name: 'off', mute: true, set: {} },
    ],
    body: { nodes: { data: { type: 'data.table', version: 1, params: {} } }, edges: [] },
  };
  (document.workflow.edges as unknown[]).push({
    from: { node: 'data', port: 'data' },
    to: { node: 'split', port: 'data' },
  });
  return document;
};

describe('data steps', () => {
  it('lists tables, splits, and copies of items', () => {
    expect(dataSteps(withSources()).map((s) => s.id)).toEqual([
      'data',
      'split',
      'sources[mnli]/data',
      'sources[qqp]/data',
    ]);
    expect(tableOf(withSources(), 'split' as NodeId)).toBe('data');
    expect(tableOf(withSources(), 'train' as NodeId)).toBe('data');
  });

  it('has a key that changes with data alone', () => {
    const one = smallDocument();
    expect(dataKey(one, 'p')).toBe(dataKey(smallDocument({ rank: 16 }), 'p'));
    const changed = setTable(one, 'data' as NodeId, { file: 'b.csv' });
    expect('ok' in changed ? '' : dataKey(changed, 'p')).not.toBe(dataKey(one, 'p'));
  });

  it('gives columns roles', () => {
    expect(roleOf('b', ['a', 'b'], ['c'])).toBe('second');
    expect(withRole('c', 'text', ['a'], ['c'], false)).toEqual({ text: ['c'], label: [] });
    expect(withRole('b', 'second', ['a'], ['c'], false)).toEqual({ text: ['a', 'b'], label: ['c'] });
    expect(withRole('d', 'label', ['a'], ['c'], true)).toEqual({ text: ['a'], label: ['c', 'd'] });
    expect(withRole('d', 'label', ['a'], ['c'], false)).toEqual({ text: ['a'], label: ['d'] });
    expect(withRole('a', 'none', ['a', 'b'], ['c'], false)).toEqual({ text: ['b'], label: ['c'] });
  });

  it('adds a table and feeds a training that has no data', () => {
    const document: Document = structuredClone(smallDocument());
    const workflow = document.workflow as unknown as {
      nodes: Record<string, unknown>;
      edges: { from: { node: string } }[];
    };
    delete workflow.nodes['data'];
    workflow.edges = workflow.edges.filter((e) => e.from.node !== 'data');
    const added = addTable(document, 'a.csv', undefined);
    const result = 'ok' in added ? (added.ok ? added.value : undefined) : added;
    expect(result?.workflow.edges.some((e) => e.from.node === 'data' && e.to.node === 'train')).toBe(true);
  });
});

describe('findings', () => {
  const checks = (change: Partial<DataChecks> = {}): DataChecks => ({
    rows: 100,
    classes: [
      { label: 'a', count: 50 },
      { label: 'b', count: 50 },
    ],
    duplicates: 0,
    leaks: 0,
    truncatedShare: 0,
    maxLength: 128,
    lengths: [{ upTo: 64, count: 100 }],
    majority: 0.5,
    diagnostics: [],
    ...change,
  });

  it('is content with sound data', () => {
    expect(findingsOf(checks()).map((f) => f.tone)).toEqual(['good', 'good', 'good', 'good']);
  });

  it('says what is wrong and what to do', () => {
    const rare = findingsOf(
      checks({
        classes: [
          { label: 'a', count: 95 },
          { label: 'b', count: 5 },
        ],
        majority: 0.95,
      }),
    );
    expect(rare[0]).toMatchObject({ tone: 'warning', title: 'Class "b" is rare' });
    const cut = findingsOf(
      checks({
        truncatedShare: 0.2,
        lengths: [
          { upTo: 128, count: 80 },
          { upTo: 192, count: 20 },
        ],
      }),
    );
    expect(cut[3]).toMatchObject({ tone: 'warning', length: 192, title: '20 % of the texts are cut at 128 tokens' });
    expect(findingsOf(checks({ leaks: 1 }))[2]?.title).toBe('1 row of the evaluation is in the training data');
  });

  it('offers the shortest length that is enough', () => {
    expect(
      lengthFor({
        maxLength: 32,
        lengths: [
          { upTo: 32, count: 90 },
          { upTo: 64, count: 9 },
          { upTo: 512, count: 1 },
        ],
      }),
    ).toBe(64);
    expect(lengthFor({ maxLength: 128, lengths: [{ upTo: 64, count: 10 }] })).toBeUndefined();
  });
});
