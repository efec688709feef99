/**
 * What a PyTorch script needs to repeat one of our runs with the same random numbers: first values as a `peft` folder, the
 * order of the classes, the batches of every epoch, and the seed of the noise (tests/bench/python/twin.py knows the hash). Two such runs differ in
 * their arithmetic alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors } from '../../engine/checkpoints/safetensors.ts';
import { planEpoch } from '../../engine/data/batches.ts';
import { espalier } from './bench.ts';

/** The least learning rate that the training step takes; next to numbers of f32 it is none. */
const NOTHING = '1e-12';

export interface TwinRequest {
  /** A document whose step `train` draws its batches at random. */
  readonly document: string;
  readonly folder: string;
  readonly rows: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly epochs: number;
}

/** Writes the file for `train_baseline.py --twin`. */
export function writeTwin({ document, folder, rows, batchSize, seed, epochs }: TwinRequest): string {
  const out = join(folder, 'first');
  espalier(
    'run',
    document,
    ...['--out', out, '--to', 'train', '--set', `train.lr=${NOTHING}`, '--set', 'train.maxSteps=1'],
  );
  const plan = (epoch: number): number[][] =>
    planEpoch({ lengths: new Int32Array(rows), batchSize, seed, epoch, order: 'random' }).map((batch) => [...batch]);
  const file = join(folder, 'twin.json');
  const { metadata } = openSafetensors(join(out, 'adapter.safetensors'));
  const { labels } = JSON.parse(metadata.get('data') ?? '{}') as { readonly labels: readonly string[] };
  const batches = Array.from({ length: epochs }, (_, epoch) => plan(epoch));
  const twin = { adapter: join(out, 'peft'), classes: labels, seed, epochs: batches };
  writeFileSync(file, JSON.stringify(twin));
  return file;
}

/** The loss of each step of a run, in their order. */
export function lossesOf(out: string): number[] {
  const lines = readFileSync(join(out, 'metrics.jsonl'), 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { readonly event: string; readonly loss?: number })
    .flatMap(({ event, loss }) => (event === 'step' && loss !== undefined ? [loss] : []));
}
