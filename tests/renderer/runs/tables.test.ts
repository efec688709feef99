/** Words, csv, command lines, heat maps, examples and groups of runs. */
import { describe, expect, it } from 'vitest';
import type { ExampleResult } from '../../../engine/protocol/api/runs.ts';
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import { changesOf } from '../../../renderer/runs/changes.ts';
import { disagreements, filterExamples, NO_FILTER } from '../../../renderer/runs/examples.ts';
import { groupsOf, spreadOf } from '../../../renderer/runs/groups.ts';
import { heatOf, heatShare, placeOf } from '../../../renderer/runs/heat.ts';
import { csvText, fileName, runCommandLine, shellWord } from '../../../renderer/runs/tables.ts';
import {
  formatAbout,
  formatClock,
  formatDelta,
  formatFigure,
  nameInWords,
  resultWords,
  trainableWords,
} from '../../../renderer/runs/words.ts';
import { smallDocument, someRun } from './fixtures.ts';

describe('words of runs', () => {
  it('writes figures, times and deltas short', () => {
    expect(formatFigure(0.8664)).toBe('0.866');
    expect(formatFigure(12.3456)).toBe('12.35');
    expect(formatFigure(0.00001)).toBe('1.00e-5');
    expect(formatFigure(null)).toBe('-');
    expect(formatDelta(0.866, 0.506)).toBe('+36');
    expect(formatDelta(0.5, 0.512)).toBe('-1.2');
    expect(formatDelta(0.5, 0.5)).toBe('+0');
    expect(formatClock(72)).toBe('1:12');
    expect(formatClock(7390)).toBe('2:03:10');
    expect(formatAbout(4000)).toBe('1 h 7 min');
    expect(nameInWords('macro_f1')).toBe('macro F1');
    expect(nameInWords('weightDecay')).toBe('weight decay');
    expect(resultWords(someRun())).toBe('0.866 accuracy (+36 over majority)');
    expect(trainableWords(someRun())).toBe('73,728 (0.32 %)');
  });
});

describe('tables', () => {
  it('quotes fields and disarms formulas', () => {
    expect(
      csvText(
        ['a', 'b'],
        [
          ['x,"y"', 1.5],
          ['=1+1', null],
        ],
      ),
    ).toBe('a,b\r\n"x,""y""",1.5\r\n\'=1+1,\r\n');
    expect(fileName('../../etc passwd', 'csv')).toBe('etc-passwd.csv');
    expect(fileName('///', 'png')).toBe('run.png');
  });

  it('writes the command line of a run that differs in settings alone', () => {
    const draft = smallDocument();
    const slower = smallDocument({ train: { lr: 0.0001, epochs: 3, seed: 7 } });
    expect(runCommandLine('espalier run "a b.json"', 'train', changesOf(draft, slower))).toBe(
      'espalier run "a b.json" --to train --set train.lr=0.0001 --set train.seed=7',
    );
    expect(runCommandLine('espalier run x', undefined, changesOf(draft, smallDocument({ rank: 2 })))).toBeUndefined();
    expect(shellWord("it's; rm")).toBe("'it'\\''s; rm'");
  });
});

describe('heat map of updates', () => {
  it('puts layers side by side and what has no layer beside them', () => {
    expect(placeOf('layers/3/query/lora/A')).toEqual({ module: 'query/lora', layer: 3 });
    expect(placeOf('head/weight')).toEqual({ module: 'head', layer: undefined });
    const parameter = (name: string, updateNorm: number) => ({ name, shape: [2, 3], norm: 1, updateNorm });
    const grid = heatOf([
      parameter('layers/0/query/lora/A', 3),
      parameter('layers/0/query/lora/B', 4),
      parameter('layers/2/query/lora/A', 1),
      parameter('head/weight', 2),
    ]);
    expect(grid.layers).toEqual([0, 2]);
    expect(grid.rows[0]?.cells.map((c) => c?.update)).toEqual([5, 1]);
    expect(grid.rows[0]?.cells[0]?.count).toBe(12);
    expect(grid.outside.map((o) => o.module)).toEqual(['head']);
    expect(grid.largest).toBe(5);
    expect(heatShare(0, 0)).toBe(0);
  });
});

describe('examples', () => {
  const example = (row: number, predicted: string, gold = 'a'): ExampleResult => ({
    row,
    text: `text ${row}`,
    gold,
    predicted,
    loss: 1,
    confidence: 0.9,
  });

  it('filters by cell, text and error', () => {
    const all = [example(1, 'a'), example(2, 'b'), example(3, 'b', 'b')];
    expect(filterExamples(all, { ...NO_FILTER, cell: { gold: 'a', predicted: 'b' } }).map((e) => e.row)).toEqual([2]);
    expect(filterExamples(all, { ...NO_FILTER, search: 'TEXT 3' }).map((e) => e.row)).toEqual([3]);
    expect(filterExamples(all, { ...NO_FILTER, wrongOnly: true }).map((e) => e.row)).toEqual([2]);
  });

  it('finds where two runs disagree and who is right', () => {
    const found = disagreements(
      [example(1, 'a'), example(2, 'b'), example(3, 'c')],
      [example(1, 'b'), example(2, 'a'), example(3, 'd')],
    );
    expect(found.shared).toBe(3);
    expect(found.rows.map((r) => r.kind)).toEqual(['oneRight', 'otherRight', 'bothWrong']);
  });
});

describe('groups of seeds', () => {
  it('puts copies with other seeds together', () => {
    const runs = [1, 2, 3].map((seed) => someRun({ run: `r${seed}` as RunId, seed, group: 'g' }));
    expect(groupsOf(runs, true)).toHaveLength(1);
    expect(groupsOf(runs, false)).toHaveLength(3);
    expect(spreadOf([1, 3])).toEqual({ mean: 2, deviation: Math.SQRT2, count: 2 });
    expect(spreadOf([])).toBeUndefined();
  });
});
