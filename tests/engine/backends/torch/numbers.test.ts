/** Exported PyTorch code gives the numbers of the Program: logits, loss and every trainable gradient, for every graph. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { must } from '../../../../engine/base/errors.ts';
import { compileDocument, EXPORT_DOCUMENTS, exportDocument } from '../../../support/documents.ts';
import {
  compare,
  expected,
  newFolder,
  runCases,
  writeCase,
  type Distances,
  type Expected,
  type Ran,
} from './harness.ts';

const folder = newFolder();
const runs = new Map<string, { readonly want: Expected; readonly ran: Ran; readonly distances: Distances }>();

beforeAll(() => {
  const wanted = EXPORT_DOCUMENTS.map((d) => expected(d));
  const cases = EXPORT_DOCUMENTS.map((d, i) => writeCase(d, must(wanted[i], d.name), folder, { dtype: 'float64' }));
  runCases(cases).forEach((ran, i) => {
    const want = must(wanted[i], 'a reference');
    runs.set(must(cases[i], 'a case').name, { want, ran, distances: compare(want, ran.out) });
  });
}, 240_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe.each(EXPORT_DOCUMENTS.map((d) => d.name))('%s', (name) => {
  test('gives the logits, the loss and the gradients of the Program', () => {
    const { want, distances } = must(runs.get(name), name);
    expect(distances.logits).toBeLessThan(1e-6);
    expect(distances.loss).toBeLessThan(1e-6);
    expect(distances.gradient, distances.worst).toBeLessThan(1e-5);
    expect([...distances.names].sort()).toEqual([...want.gradients.keys()].sort());
  });

  test('trains what the model trains and nothing else', () => {
    const { ran } = must(runs.get(name), name);
    const { parameters } = compileDocument(exportDocument(name).document, true);
    const trainable = parameters.filter((p) => p.role === 'trainable');
    const count = trainable.reduce((sum, p) => sum + p.type.shape.reduce<number>((n, d) => n * Number(d), 1), 0);
    expect(ran.wrong).toEqual([]);
    expect(ran.trainable).toBe(count);
    expect(ran.unlabelled).toBe(true);
  });

  test('drops in training where the model does', () => {
    const { program } = compileDocument(exportDocument(name).document, true);
    const instrs = [...program.functions.values()].flatMap((fn) => fn.body);
    expect(must(runs.get(name), name).ran.drops).toBe(instrs.some((i) => i.kind === 'op' && i.op === 'noise'));
  });
});
