/** The shipped example: complete, balanced, without repetitions or leaks, and read without a word said about columns. */
import { expect, it } from 'vitest';
import { checkData } from '../../../engine/data/checks.ts';
import { guessColumns } from '../../../engine/data/guessColumns.ts';
import { readTable } from '../../../engine/data/readTable.ts';
import { makeDataset } from '../../../engine/data/task.ts';

const file = (name: string): string => new URL(`../../../examples/${name}`, import.meta.url).pathname;

it('is good data', async () => {
  const table = await readTable(file('first-steps.csv'));
  const { columns } = guessColumns(table);
  expect(columns).toEqual({ task: 'classification', text: ['text'], label: ['label'] });
  const train = makeDataset(table, columns);
  if (train.dataset.targets.kind !== 'classification') throw new Error('no classes');
  const { labels } = train.dataset.targets;
  const evaluation = makeDataset(await readTable(file('first-steps.eval.csv')), columns, labels);
  expect(labels).toEqual(['complaint', 'order', 'praise', 'question']);
  expect([...train.diagnostics, ...evaluation.diagnostics]).toEqual([]);
  const report = checkData({ dataset: train.dataset }, { dataset: evaluation.dataset });
  expect(report.diagnostics).toEqual([]);
  expect([report.train.rows, report.eval?.rows, report.leaks]).toEqual([400, 100, 0]);
  if (report.train.balance.kind !== 'classes') throw new Error('no balance');
  expect(report.train.balance.counts.map(({ count }) => count)).toEqual([100, 100, 100, 100]);
});
