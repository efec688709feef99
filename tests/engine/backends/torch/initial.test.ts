/** A fresh exported model starts as the nodes say: constants, random draws, copies and functions of the checkpoint's weights. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../../../engine/base/errors.ts';
import type { EntryParameter } from '../../../../engine/compile/model.ts';
import type { NDArray } from '../../../../engine/ops/rule.ts';
import { compileDocument, documentWith, exportDocument, SMALL, type TestDocument } from '../../../support/documents.ts';
import { readTensors, type TestTensor } from '../../../support/tensors.ts';
import { givenTensors, newFolder, runCases, writeCase, type Expected } from './harness.ts';

const gaussian: TestDocument = {
  name: 'gaussian',
  document: documentWith([['lora', { r: 4, init: 'gaussian' }]], undefined, SMALL),
  task: { kind: 'classification', classes: 3 },
};
const small: TestDocument = {
  ...gaussian,
  name: 'small',
  document: documentWith([['parallel', { size: 7, init: 'small' }]]),
};
const DOCUMENTS: readonly TestDocument[] = [
  ...[
    'lora_ranks',
    'dora',
    'bitfit',
    'unfreeze',
    'houlsby',
    'parallel_learned',
    'prompt',
    'prefix',
    'prefix_mlp',
    'fusion',
    'scalearn',
    'gaussian_ranks',
    'fusion_and_pfeiffer',
  ].map(exportDocument),
  gaussian,
  small,
];

const folder = newFolder();
const starts = new Map<
  string,
  { readonly want: Pick<Expected, 'feeds'>; readonly values: ReadonlyMap<string, TestTensor> }
>();

beforeAll(() => {
  const wants = DOCUMENTS.map((d) => ({ feeds: givenTensors(d) }));
  const cases = DOCUMENTS.map((d, i) =>
    writeCase(d, must(wants[i], d.name), folder, { dtype: 'float32', adapter: false }),
  );
  runCases(cases).forEach((ran, i) => {
    const values = [...readTensors(ran.out)]
      .filter(([n]) => n.startsWith('value/'))
      .map(([n, t]) => [n.slice(6), t] as const);
    starts.set(must(DOCUMENTS[i], 'a document').name, { want: must(wants[i], 'a reference'), values: new Map(values) });
  });
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const mean = (xs: ArrayLike<number>): number => Array.from(xs).reduce((a, b) => a + b, 0) / xs.length;
const deviation = (xs: ArrayLike<number>): number => Math.sqrt(mean(Array.from(xs).map((x) => (x - mean(xs)) ** 2)));

/** The frozen weight that a parameter starts from. */
function origin(p: EntryParameter, parameters: readonly EntryParameter[], want: Pick<Expected, 'feeds'>): NDArray {
  const from = must(
    parameters.find((q) => q.path === p.initFrom),
    `${p.path} starts from ${String(p.initFrom)}`,
  );
  return must(want.feeds.get(from.name), from.name);
}

function check(p: EntryParameter, x: TestTensor, from: () => NDArray): void {
  const init = must(p.init, p.path);
  const data = [...x.data];
  const columns = x.shape[1] ?? 1;
  switch (init.kind) {
    case 'constant':
      expect(new Set(data), p.path).toEqual(new Set([init.value]));
      return;
    case 'normal':
    case 'truncatedNormal': {
      const wanted = init.kind === 'normal' ? init.mean : 0;
      // Six standard errors of the mean, and of the deviation.
      expect(Math.abs(mean(data) - wanted), p.path).toBeLessThan((6 * init.std) / Math.sqrt(data.length));
      expect(Math.abs(deviation(data) / init.std - 1), p.path).toBeLessThan(0.15 + 6 / Math.sqrt(2 * data.length));
      if (init.kind === 'truncatedNormal')
        expect(Math.max(...data.map(Math.abs)), p.path).toBeLessThanOrEqual(init.limit);
      return;
    }
    case 'uniform':
      expect(Math.min(...data), p.path).toBeGreaterThanOrEqual(init.low - 1e-7);
      expect(Math.max(...data), p.path).toBeLessThanOrEqual(init.high + 1e-7);
      expect(Math.max(...data) - Math.min(...data), p.path).toBeGreaterThan(0.5 * (init.high - init.low));
      return;
    case 'diagonal':
      data.forEach((v, i) => {
        expect(v).toBeCloseTo(Math.floor(i / columns) === i % columns ? init.diagonal : init.rest, 6);
      });
      return;
    case 'copy':
      data.forEach((v, i) => {
        expect(v, p.path).toBeCloseTo(from().data[i] as number, 6);
      });
      return;
    case 'rowNorm': {
      const width = must(from().shape[1], 'a matrix');
      data.forEach((v, i) => {
        expect(v, p.path).toBeCloseTo(Math.hypot(...from().data.slice(i * width, (i + 1) * width)), 5);
      });
      return;
    }
    case 'sampleRows': {
      const row = (values: ArrayLike<number>, i: number): string =>
        Array.from({ length: columns }, (_, k) => must(values[i * columns + k], 'a number').toFixed(5)).join();
      const rows = new Set(Array.from({ length: init.among }, (_, i) => row(from().data, i)));
      const drawn = Array.from({ length: must(x.shape[0], 'rows') }, (_, i) => row(data, i));
      expect(
        drawn.filter((r) => !rows.has(r)),
        p.path,
      ).toEqual([]);
      expect(new Set(drawn).size).toBe(drawn.length);
    }
  }
}

describe.each(DOCUMENTS.map((d) => [d.name, d] as const))('%s', (name, { document }) => {
  test('starts as its nodes say', () => {
    const { want, values } = must(starts.get(name), name);
    const { parameters } = compileDocument(document, true);
    const trainable = parameters.filter((p) => p.role === 'trainable');
    for (const p of trainable) check(p, must(values.get(p.path), p.path), () => origin(p, parameters, want));
    expect(trainable.length).toBeGreaterThan(0);
  });
});
