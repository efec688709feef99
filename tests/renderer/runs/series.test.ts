/** Curves: columns that grow, resumed runs, smoothing, thinning, joining, bands of seeds. */
import { describe, expect, it } from 'vitest';
import type { EvaluationPoint, StepPoint } from '../../../engine/protocol/api/runs.ts';
import { addPoints, latestNorms, lowerBound, newCurve } from '../../../renderer/runs/curve.ts';
import { bandOf, figuresOf, joinLines, lineOf, smooth, thin, valueBefore } from '../../../renderer/runs/series.ts';

const step = (n: number, change: Partial<StepPoint> = {}): StepPoint => ({
  kind: 'step',
  at: 'train',
  step: n,
  epoch: 1,
  seconds: n / 2,
  examples: n * 16,
  loss: 1 / n,
  rate: 0.001,
  gradientNorm: 2,
  examplesPerSecond: 50,
  rssBytes: 1e9,
  taps: {},
  ...change,
});
const evaluation = (n: number, accuracy: number): EvaluationPoint => ({
  kind: 'evaluation',
  at: 'train',
  step: n,
  epoch: 1,
  seconds: n / 2,
  loss: 0.5,
  metrics: { accuracy, rows: 100, majority_baseline: 0.5 },
  best: true,
});

describe('curve of a run', () => {
  it('keeps columns of equal length, with gaps before a tap begins', () => {
    const curve = newCurve();
    addPoints(curve, [step(1), step(2, { taps: { q: 3 } }), step(3)]);
    const part = curve.parts.get('train');
    expect(part?.steps.taps.get('q')).toEqual([null, 3, null]);
    expect(part?.steps.loss).toHaveLength(3);
    expect(curve.version).toBe(1);
  });

  it('keeps the latest norms of parameters apart from the taps that are drawn', () => {
    const curve = newCurve();
    expect(latestNorms(curve).size).toBe(0);
    addPoints(curve, [step(1, { taps: { 'gradient/lora/A': 1, 'update/lora/A': 2, q: 3 } })]);
    addPoints(curve, [step(2, { taps: { 'gradient/lora/A': null, 'update/lora/A': 4 } }), step(3)]);
    expect([...latestNorms(curve)]).toEqual([['update/lora/A', 4]]);
    expect([...(curve.parts.get('train')?.steps.taps.keys() ?? [])]).toEqual(['q']);
    expect(figuresOf([curve]).map((f) => f.id)).not.toContain('tap:update/lora/A');
  });

  it('replaces what a resumed run does again', () => {
    const curve = newCurve();
    addPoints(curve, [step(1), step(2), evaluation(2, 0.5), step(3), evaluation(3, 0.6)]);
    addPoints(curve, [step(2, { loss: 9 }), evaluation(2, 0.7)]);
    const part = curve.parts.get('train');
    expect(part?.steps.step).toEqual([1, 2]);
    expect(part?.steps.loss).toEqual([1, 9]);
    expect(part?.evaluations.map((e) => e.metrics['accuracy'])).toEqual([0.7]);
  });

  it('lists the figures that a run has and draws them over each axis', () => {
    const curve = newCurve();
    addPoints(curve, [step(1), step(2, { taps: { 'layers/0/query': 1 } }), evaluation(2, 0.5)]);
    expect(figuresOf([curve]).map((f) => f.id)).toEqual([
      'loss',
      'evalLoss',
      'metric:accuracy',
      'rate',
      'gradient',
      'speed',
      'memory',
      'tap:layers/0/query',
    ]);
    const part = curve.parts.get('train');
    if (!part) throw new Error('no part');
    expect(lineOf(part, 'loss', 'examples')).toEqual({ x: [16, 32], y: [1, 0.5] });
    expect(lineOf(part, 'metric:accuracy', 'examples')).toEqual({ x: [32], y: [0.5] });
    expect(lineOf(part, 'evalLoss', 'seconds')).toEqual({ x: [1], y: [0.5] });
  });
});

describe('lines', () => {
  it('smooths without drawing the beginning to zero', () => {
    expect(smooth([4, 4, null, 4], 0.9).map((v) => (v === null ? null : Math.round(v * 1e9) / 1e9))).toEqual([
      4,
      4,
      null,
      4,
    ]);
    expect(smooth([1, 2], 0)).toEqual([1, 2]);
  });

  it('thins 20,000 points and keeps the spike', () => {
    const x = Array.from({ length: 20_000 }, (_, i) => i);
    const y = x.map((i) => (i === 12_345 ? 100 : Math.sin(i / 50)));
    const line = thin({ x, y }, 0, 20_000, 500);
    expect(line.x.length).toBeLessThanOrEqual(1000);
    expect(line.y).toContain(100);
    expect([...line.x]).toEqual([...line.x].sort((a, b) => a - b));
    const part = thin({ x, y }, 100, 110, 500);
    expect(part.x[0]).toBe(99);
    expect(part.x.at(-1)).toBe(111);
  });

  it('joins lines over a common axis', () => {
    expect(
      joinLines([
        { x: [1, 3], y: [5, null] },
        { x: [2, 3], y: [6, 7] },
      ]),
    ).toEqual({
      x: [1, 2, 3],
      columns: [
        [5, undefined, null],
        [undefined, 6, 7],
      ],
    });
  });

  it('gives mean and deviation of seeds, only where they have values', () => {
    const band = bandOf([
      { x: [0, 2], y: [0, 2] },
      { x: [0, 1], y: [2, 3] },
    ]);
    expect(band.x).toEqual([0, 1, 2]);
    expect(band.mean).toEqual([1, 2, 2]);
    expect(band.count).toEqual([2, 2, 1]);
    expect(band.high[1]).toBeCloseTo(2 + Math.SQRT2);
    expect(band.low[2]).toBe(2);
  });

  it('finds places and the value before a place', () => {
    expect(lowerBound([1, 2, 2, 5], 2)).toBe(1);
    expect(lowerBound([1, 2], 9)).toBe(2);
    expect(valueBefore({ x: [1, 2, 3], y: [5, null, 7] }, 2.5)).toBe(5);
    expect(valueBefore({ x: [1], y: [5] }, 0)).toBeNull();
  });
});
