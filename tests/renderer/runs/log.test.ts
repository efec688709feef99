/** Lines of the log: levels, filter, and text without paths of the machine. */
import { expect, it } from 'vitest';
import type { LogLine } from '../../../engine/protocol/api/runs.ts';
import { filterLog, levelOf, lineText, logText, withEnd } from '../../../renderer/runs/logLines.ts';

const plain: LogLine = { kind: 'log', at: 'train', seconds: 62, text: 'Checkpoint of step 25' };
const wrong: LogLine = {
  ...plain,
  text: 'error (/tmp/a/b.csv): bad',
  diagnostic: {
    code: 'x',
    severity: 'error',
    message: 'A row is too short.',
    where: { file: '/tmp/a/b.csv', row: 3 },
    found: '1 cell',
    fix: 'Add a cell.',
  },
};

it('tells levels and keeps paths of the machine out', () => {
  expect(levelOf(plain)).toBe('info');
  expect(lineText(wrong)).toBe('b.csv, row 3: A row is too short. Found: 1 cell. Add a cell.');
  expect(logText([plain])).toBe('    1:02  info     train  Checkpoint of step 25\n');
});

it('filters by level and text', () => {
  expect(filterLog([plain, wrong], { search: '', level: 'warning' })).toEqual([wrong]);
  expect(filterLog([plain, wrong], { search: 'CHECKPOINT', level: 'info' })).toEqual([plain]);
});

it('ends with what became of a run that could not say it itself', () => {
  const gone = {
    code: 'run-lost',
    severity: 'error',
    message: 'The process is gone.',
    where: {},
    fix: 'Resume it.',
  } as const;
  expect(withEnd([plain], { diagnostics: [], seconds: 70 })).toEqual([plain]);
  const lines = withEnd([plain], { diagnostics: [gone], seconds: 70 });
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject({ at: 'train', seconds: 70, diagnostic: gone });
  expect(withEnd(lines, { diagnostics: [gone], seconds: 70 })).toEqual(lines);
});
