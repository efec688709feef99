/** Lines of the log: levels, filter, and text without paths of the machine. */
import { expect, it } from 'vitest';
import type { LogLine } from '../../../engine/protocol/api/runs.ts';
import { filterLog, levelOf, lineText, logText } from '../../../renderer/runs/logLines.ts';

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
