/** Random outputs judged by our metrics and by scikit-learn, scipy and seqeval. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { classificationMetrics, regressionMetrics } from '../../../engine/metrics/metrics.ts';
import { EntityCounts } from '../../../engine/metrics/entities.ts';
import { startOracle, type Oracle } from '../../support/oracle.ts';
import { seeded } from '../data/helpers.ts';

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

const ROUNDS = 8;

it('agrees on classes', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const next = seeded(round);
    const width = 2 + (round % 5);
    const labels = Array.from({ length: 60 }, () => next(width));
    const predictions = labels.map((label) => (next(3) === 0 ? next(width) : label));
    const metrics = classificationMetrics(Array.from({ length: width }, (_, k) => `c${k}`));
    const logits = predictions.flatMap((p) => Array.from({ length: width }, (_, k) => (k === p ? 1 : 0)));
    metrics.add({ logits, classes: labels });
    const { figures } = metrics.result();
    const matthews = await oracle.request<{ matthews: number }>('metrics', { name: 'matthews', predictions, labels });
    expect(figures.get('matthews')).toBeCloseTo(matthews.matthews, 10);
    for (const average of ['macro', 'weighted'] as const) {
      const scores = await oracle.request<{ f1: number }>('metrics', { name: 'f1', predictions, labels, average });
      expect(figures.get(`${average}_f1`)).toBeCloseTo(scores.f1, 10);
    }
  }
}, 120_000);

it('agrees on numbers with ties', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const next = seeded(100 + round);
    const labels = Array.from({ length: 50 }, () => next(11) / 2);
    const predictions = labels.map((label) => label + (next(100) - 50) / 40);
    const metrics = regressionMetrics();
    metrics.add({ predicted: predictions, values: labels });
    const { figures } = metrics.result();
    for (const name of ['pearson', 'spearman'] as const) {
      const answer = await oracle.request<Record<string, number>>('metrics', { name, predictions, labels });
      expect(figures.get(name)).toBeCloseTo(answer[name]!, 10);
    }
  }
}, 120_000);

it('agrees on entities of random tags', async () => {
  const tags = ['O', 'B-A', 'I-A', 'B-B', 'I-B', 'E-A', 'S-B'];
  for (let round = 0; round < ROUNDS; round++) {
    const next = seeded(200 + round);
    const labels = Array.from({ length: 40 }, () => Array.from({ length: 1 + next(9) }, () => tags[next(7)] as string));
    const predictions = labels.map((list) => list.map((tag) => (next(3) === 0 ? (tags[next(7)] as string) : tag)));
    const counts = new EntityCounts();
    labels.forEach((list, i) => counts.add(predictions[i]!, list));
    const answer = await oracle.request<Record<string, number>>('metrics', { name: 'entity_f1', predictions, labels });
    const { precision, recall, f1 } = counts.total();
    expect({ precision, recall, f1 }).toEqual({
      precision: expect.closeTo(answer['precision']!, 10) as number,
      recall: expect.closeTo(answer['recall']!, 10) as number,
      f1: expect.closeTo(answer['f1'] ?? answer['entity_f1']!, 10) as number,
    });
  }
}, 120_000);
