/**
 * Whole trainings by the command line beside transformers + peft with the same random numbers (tests/bench/twin.ts): reading
 * of the file, tokens, labels, order of batches, dropout, loss, gradients, clipping, schedule and AdamW, every step's loss.
 * The sentences are made here, of words of the model's vocabulary.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { createRandom, randomKey } from '../../engine/base/random.ts';
import { espalier, PYTHON, PYTHON_SCRIPTS, runProgram } from '../bench/bench.ts';
import { LORA, wholeWords, writeDocument } from '../bench/documents.ts';
import { lossesOf, writeTwin } from '../bench/twin.ts';
import { starterModelFolder } from '../support/starter.ts';
import { temporaryFolder } from '../support/temporary.ts';

const ROWS = 40;
const BATCH = 32;
const EPOCHS = 2;
const TAGS = ['O', 'B-PER', 'I-PER', 'B-LOC'];
const here = temporaryFolder();
const random = createRandom(randomKey(5, 'sentences'));
const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;

interface Case {
  readonly task: string;
  /** Its name in tests/bench/python/tasks.py. */
  readonly name: string;
  readonly files: readonly string[];
  readonly header: string;
  readonly text: readonly string[];
  readonly label?: string;
  readonly row: (sentence: () => string, i: number) => string;
}

const CASES: readonly Case[] = [
  {
    task: 'classification',
    name: 'sst2',
    files: ['sst2/train.tsv', 'sst2/dev.tsv', 'sst2/test.tsv'],
    header: 'sentence\tlabel\n',
    text: ['sentence'],
    label: 'label',
    row: (sentence, i) => `${sentence()}\t${i % 2}\n`,
  },
  {
    task: 'regression',
    name: 'stsb',
    files: ['stsb_multi/en.train.tsv', 'stsb_multi/en.dev.tsv', 'stsb_multi/en.test.tsv'],
    header: 'sentence1\tsentence2\tscore\n',
    text: ['sentence1', 'sentence2'],
    label: 'score',
    row: (sentence, i) => `${sentence()}\t${sentence()}\t${(i % 11) / 2}\n`,
  },
  {
    task: 'tokens',
    name: 'masakhaner-hau',
    files: ['train', 'dev', 'test'].map((split) => `masakhaner2/hau/${split}.txt`),
    header: '',
    text: [],
    row: (sentence) =>
      `${sentence()
        .split(' ')
        .map((word) => `${word} ${pick(TAGS)}`)
        .join('\n')}\n\n`,
  },
];

test.each(CASES)(
  '$task: every loss of a training with dropout',
  (c) => {
    const folder = here();
    const model = starterModelFolder();
    const words = wholeWords(model);
    // The first sentences are longer than the 128 tokens at which both sides cut.
    const sentence = (i: number): string =>
      Array.from({ length: i === 0 ? 140 : 3 + random.below(20) }, () => pick(words)).join(' ');
    const text = c.header + Array.from({ length: ROWS }, (_, i) => c.row(() => sentence(i), i)).join('');
    for (const file of c.files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const seed = 3;
    const document = writeDocument({
      file: join(folder, 'document.json'),
      model,
      data: join(folder, c.files[0] as string),
      task: c.task,
      text: c.text,
      ...(c.label === undefined ? {} : { label: c.label }),
      method: 'lora',
      params: LORA,
      training: { epochs: EPOCHS, batch: BATCH, lr: 1e-3, seed, order: 'random' },
    });
    const out = join(folder, 'out');
    espalier('run', document, '--out', out, '--json');
    const ours = lossesOf(out);

    const twin = writeTwin({ document, folder, rows: ROWS, batchSize: BATCH, seed, epochs: EPOCHS });
    const theirs = (file: string): number[] => {
      const json = join(folder, 'theirs.json');
      const settings = ['--model', model, '--data', folder, '--task', c.name, '--epochs', String(EPOCHS)];
      const script = join(PYTHON_SCRIPTS, 'train_baseline.py');
      runProgram(PYTHON, ['-B', script, ...settings, '--twin', file, '--json', json]);
      return (JSON.parse(readFileSync(json, 'utf8')) as { readonly losses: number[] }).losses;
    };
    const apart = (other: readonly number[]): number =>
      Math.max(...ours.map((x, k) => Math.abs(x - (other[k] ?? NaN)) / Math.abs(x)));

    expect(ours).toHaveLength(EPOCHS * Math.ceil(ROWS / BATCH));
    expect(apart(theirs(twin))).toBeLessThan(1e-5);
    if (c.task !== 'classification') return;
    // Other dropout alone is seen.
    const other = join(folder, 'other.json');
    writeFileSync(other, readFileSync(twin, 'utf8').replace(`"seed":${seed}`, `"seed":${seed + 1}`));
    expect(apart(theirs(other))).toBeGreaterThan(1e-4);
  },
  300_000,
);
