/** The batches that our training step will make, written as JSON so that the other side runs the same ones. */
import { writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { must } from '../../engine/base/errors.ts';
import { unpackClasses, type Batch } from '../../engine/data/batches.ts';
import { loadTokenizer } from '../../engine/tokenizers/loadTokenizer.ts';
import { collateExamples, planBatches } from '../../engine/trainer/examples.ts';
import { openBackbone } from '../../engine/workflow/backbone.ts';
import { encodeRows, readData } from '../../engine/workflow/data.ts';
import { input, loadedOf, stepParams } from './loaded.ts';
import { HOME } from './bench.ts';

export interface PlannedBatches {
  readonly batches: readonly Batch[];
  readonly examples: number;
  readonly stepsPerEpoch: number;
}

/** The batches of one epoch of the document's training step. */
export async function plannedBatches(document: string, epoch: number): Promise<PlannedBatches> {
  const loaded = loadedOf(document);
  const params = stepParams(loaded, 'train', 'train');
  const { backbone } = stepParams(loaded, 'model', 'model');
  const rows = await readData(input(loaded, 'data'), undefined, () => undefined);
  const tokenizer = loadTokenizer(openBackbone(backbone, dirname(document), HOME).checkpoint.folder);
  const set = encodeRows(rows, tokenizer, params.maxLength);
  const plan = planBatches(set, { batchSize: params.batch, seed: params.seed, order: params.order, epoch });
  return {
    batches: plan.map((examples) => collateExamples(set, examples)),
    examples: rows.dataset.rows,
    stepsPerEpoch: plan.length,
  };
}

const rowsOf = (flat: Int32Array, width: number, count: number): number[][] =>
  Array.from({ length: count }, (_, i) => Array.from(flat.subarray(i * width, (i + 1) * width)));

function labelsOf(batch: Batch): readonly unknown[] {
  const { labels } = batch;
  switch (labels.kind) {
    case 'classification':
      return Array.from(labels.classes);
    case 'regression':
      return Array.from(labels.values);
    case 'multilabel':
      return rowsOf(Int32Array.from(labels.values), labels.values.length / batch.B, batch.B);
    case 'tokens':
      return rowsOf(unpackClasses(batch, labels.classes), batch.T, batch.B);
    case 'none':
      return [];
  }
}

export function writeBatches(file: string, batches: readonly Batch[]): string {
  const plain = batches.map((b) => ({
    ids: rowsOf(b.ids, b.T, b.B),
    type_ids: rowsOf(b.typeIds, b.T, b.B),
    lengths: Array.from(b.lengths),
    labels: labelsOf(b),
  }));
  writeFileSync(file, JSON.stringify({ batches: plain }));
  return file;
}

export const batchAt = (batches: readonly Batch[], i: number): Batch => must(batches[i % batches.length], 'a batch');
