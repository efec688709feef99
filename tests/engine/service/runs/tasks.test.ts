/** Runs of the other tasks: numbers, tags of words, several labels; what their results and answers look like. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunId } from '../../../../engine/protocol/api/fields.ts';
import type { RunSummary } from '../../../../engine/protocol/api/runs.ts';
import { makeFolders, runService, type Folders, type Running } from '../service.ts';
import { ended, setTraining, start } from './helpers.ts';

let folders: Folders;
let service: Running;
beforeAll(async () => {
  folders = await makeFolders();
  service = await runService(folders);
});
afterAll(async () => {
  await service.close();
  folders.remove();
});

/** A few steps on a file of the workspace. */
async function trained(
  file: string,
  content: string,
  method: string,
): Promise<{ readonly run: RunId; readonly done: RunSummary }> {
  writeFileSync(join(folders.workspace, file), content);
  const name = file.replace(/\..*$/, '');
  const opened = await service.call('project.new', {
    name,
    from: { kind: 'tune', backbone: 'starter', data: { path: file }, method, params: {} },
  });
  const short = await setTraining(service, opened, { maxSteps: 3 });
  const run = await start(service, short);
  return { run, done: await ended(service, short, run, 'done') };
}

const repeat = (rows: readonly string[], times: number): string =>
  Array.from({ length: times }, () => rows.join('\n')).join('\n');

it('numbers have losses and no confidence, and nothing to compare a constant with', async () => {
  const rows = ['good film,0.9', 'dull plot,0.15', 'great,0.95', 'bad,0.05'];
  const { run, done } = await trained('numbers.csv', `text,score\n${repeat(rows, 6)}\n`, 'head');
  expect(done.metric).toBe('pearson_spearman');
  expect(done.majority).toBeUndefined();
  const results = await service.call('run.results', { run });
  expect(results).toMatchObject({ task: 'regression', labels: [], confusion: [], classes: [] });
  for (const e of results.examples) {
    expect(e.confidence).toBeUndefined();
    expect(e.loss).toBeCloseTo((Number(e.gold) - Number(e.predicted)) ** 2, 4);
  }
  const [answer] = await service.call('run.try', { run, texts: ['good'] });
  expect(answer?.value).toBeTypeOf('number');
});

it('tags of words are counted word by word', async () => {
  const sentence = 'Ada B-PER\nlives O\nin O\nBonn B-LOC\n';
  const { run, done } = await trained('tags.conll', `${repeat([sentence, 'rain O\nfell O\n'], 8)}\n`, 'lora');
  expect(done.metric).toBe('entity_f1');
  expect(done.majority).toBe(0);
  const results = await service.call('run.results', { run });
  const words = results.examples.reduce((n, e) => n + e.gold.split(' ').length, 0);
  expect(results.confusion.flat().reduce((a, b) => a + b, 0)).toBe(words);
  const [answer] = await service.call('run.try', { run, texts: ['Ada lives in Bonn'] });
  expect(answer?.tags?.map((t) => t.word)).toEqual(['Ada', 'lives', 'in', 'Bonn']);
});

it('several labels are listed with their probabilities', async () => {
  const rows = ['{"text":"good film","labels":["good","film"]}', '{"text":"bad","labels":["bad"]}'];
  const { run, done } = await trained('labels.jsonl', `${repeat(rows, 10)}\n`, 'head');
  expect(done.metric).toBe('macro_f1');
  expect(done.majority).toBeTypeOf('number');
  const results = await service.call('run.results', { run });
  expect(results).toMatchObject({ task: 'multilabel', confusion: [], labels: ['bad', 'film', 'good'] });
  expect(results.classes).toHaveLength(3);
  const [answer] = await service.call('run.try', { run, texts: ['good'] });
  expect(Object.keys(answer?.scores ?? {})).toEqual(['bad', 'film', 'good']);
});
