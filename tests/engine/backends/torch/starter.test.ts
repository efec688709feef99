/**
 * Exported code on MiniLM's real weights, in float32, against independent code: `transformers` for the plain model, `peft`
 * for LoRA, `adapters` for the Pfeiffer adapter. The checkpoint is loaded from the file as it was downloaded.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportTorch } from '../../../../engine/backends/torch/export.ts';
import type { HostTensor } from '../../../../engine/backends/executable.ts';
import { must } from '../../../../engine/base/errors.ts';
import { MINILM } from '../../../support/backbones.ts';
import { compileDocument } from '../../../support/documents.ts';
import { startOracle, type Oracle } from '../../../support/oracle.ts';
import {
  askOracle,
  documentFor,
  maxAbs,
  tensorFor,
  worstGradient,
  type Batch,
  type ParityCase,
} from '../../../support/parity.ts';
import { starterModelFolder } from '../../../support/starter.ts';
import { readTensors, writeTensors, type TensorToWrite } from '../../../support/tensors.ts';
import { runCases } from './harness.ts';

const CASES: readonly ParityCase[] = [
  { title: 'plain', preset: 'head', methods: [] },
  { title: 'LoRA', preset: 'lora', params: { r: 4, alpha: 6 }, methods: [{ kind: 'lora', r: 4, alpha: 6 }] },
  { title: 'Pfeiffer', preset: 'pfeiffer', params: { size: 6 }, methods: [{ kind: 'pfeiffer', m: 6 }] },
];

const IDS = [
  [101, 2023, 3185, 2003, 2307, 999, 102],
  [101, 1045, 2123, 1005, 1056, 2113, 2054, 2000, 2228, 1997, 2023, 102],
  [101, 3100, 102],
];
const BATCH: Batch = { ids: IDS, lengths: IDS.map((r) => r.length), labels: [2, 0, 1] };
const LENGTH = Math.max(...BATCH.lengths);

let oracle: Oracle;
beforeAll(() => {
  oracle = startOracle();
});
afterAll(() => oracle.close());

function writeInputs(path: string): void {
  const rows = (f: (row: readonly number[], t: number) => number): TensorToWrite => ({
    dtype: 'I64',
    shape: [IDS.length, LENGTH],
    data: IDS.flatMap((row) => Array.from({ length: LENGTH }, (_, t) => f(row, t))),
  });
  const ids = rows((row, t) => row[t] ?? 0);
  const mask = rows((row, t) => (t < row.length ? 1 : 0));
  const labels: TensorToWrite = { dtype: 'I64', shape: [IDS.length], data: BATCH.labels as number[] };
  writeTensors(
    path,
    new Map([
      ['input_ids', ids],
      ['attention_mask', mask],
      ['labels', labels],
    ]),
  );
}

test.each(CASES.map((c) => [c.title, c] as const))('%s', async (title, c) => {
  const folder = starterModelFolder();
  const theirs = await askOracle(oracle, c, folder, BATCH, 'float64');
  const at = join(oracle.folder, `exported-${title}`);
  mkdirSync(at);
  const compiled = compileDocument(documentFor(MINILM, c), true);
  const [file] = exportTorch(compiled, at);
  const trainable = compiled.parameters.filter((p) => p.role === 'trainable');
  writeTensors(
    join(at, 'adapter.safetensors'),
    new Map(trainable.map((p) => [p.path, tensorFor(p.path, theirs.given)])),
  );
  writeInputs(join(at, 'inputs.safetensors'));
  const out = join(at, 'out.safetensors');
  const paths = { adapter: join(at, 'adapter.safetensors'), inputs: join(at, 'inputs.safetensors'), out };
  runCases([{ request: { file, checkpoint: join(folder, 'model.safetensors'), ...paths, dtype: 'float32' } }]);
  const got = readTensors(out);

  const logits = must(theirs.results.get('logits'), 'logits').data;
  const ours = must(got.get('logits'), 'our logits').data;
  expect(maxAbs(logits.map((x, i) => x - (ours[i] as number))) / maxAbs(logits)).toBeLessThan(1e-4);
  expect(Math.abs(must(got.get('loss')?.data[0], 'loss') - theirs.loss) / theirs.loss).toBeLessThan(1e-4);
  const gradients = new Map(
    [...theirs.results].filter(([n]) => n.startsWith('gradient/')).map(([n, t]) => [n.slice(9), t]),
  );
  const mine = new Map(trainable.map((p) => [p.path, asHost(must(got.get(`gradient/${p.path}`), p.path))]));
  const worst = worstGradient(mine, (path) => tensorFor(path, gradients));
  expect(worst.ratio, worst.name).toBeLessThanOrEqual(1);
});

const asHost = (t: { readonly shape: readonly number[]; readonly data: Float64Array }): HostTensor => ({
  dtype: 'f32',
  shape: t.shape,
  data: Float32Array.from(t.data),
});
