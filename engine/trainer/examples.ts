/**
 * A data set as the trainer sees it: encoded tokens, targets, and where each example came from. Batches are planned and
 * collated by `engine/data`; here a batch is cut into parts of a bounded number of tokens, which changes nothing but
 * rounding: noise is keyed on logical coordinates, and losses are sums.
 */
import { batchCount, collate, planEpoch, type Batch, type BatchOrder } from '../data/batches.ts';
import { lengthsOf, tokenLabels, type EncodedDataset } from '../data/encode.ts';
import type { Dataset, Targets } from '../data/task.ts';

export interface ExampleSet {
  readonly encoded: EncodedDataset;
  readonly targets: Targets;
  /** For token tasks: a class for each token of the encoded data set. */
  readonly tokenClasses?: Int32Array;
  /** The examples that belong to this set, ascending; all of them when absent. */
  readonly rows?: Int32Array;
  readonly file: string;
  /** The row in the file of each example, for messages. */
  readonly rowNumbers: Int32Array;
  /** Names content of data and encoding: equal keys are equal examples. */
  readonly key: string;
}

/** The examples of a data set, all or those of `rows`. */
export function exampleSet(dataset: Dataset, encoded: EncodedDataset, rows?: Int32Array): ExampleSet {
  const { targets } = dataset;
  return {
    encoded,
    targets,
    ...(targets.kind === 'tokens' ? { tokenClasses: tokenLabels(encoded, targets.tags) } : {}),
    ...(rows === undefined ? {} : { rows }),
    file: dataset.file,
    rowNumbers: dataset.rowNumbers,
    key: `${dataset.hash} ${encoded.key}`,
  };
}

export const exampleCount = (set: ExampleSet): number => set.rows?.length ?? set.encoded.rows;

/** Tokens of each example of the set. */
export function exampleLengths(set: ExampleSet): Int32Array {
  const lengths = lengthsOf(set.encoded);
  return set.rows ? set.rows.map((row) => lengths[row] as number) : lengths;
}

/** The batches of an epoch, as indices into the whole data set. */
export function planBatches(
  set: ExampleSet,
  plan: { readonly batchSize: number; readonly seed: number; readonly epoch: number; readonly order: BatchOrder },
): readonly Int32Array[] {
  const batches = planEpoch({ ...plan, lengths: exampleLengths(set) });
  const { rows } = set;
  return rows ? batches.map((batch) => batch.map((i) => rows[i] as number)) : batches;
}

/** Batches for evaluation: longest first, so that little is padded and a lack of memory shows at once. */
export function sortedBatches(set: ExampleSet, batchSize: number): readonly Int32Array[] {
  const lengths = exampleLengths(set);
  const order = Int32Array.from(lengths.keys()).sort(
    (a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b,
  );
  const { rows } = set;
  return Array.from({ length: batchCount(order.length, batchSize) }, (_, k) => {
    const part = order.slice(k * batchSize, (k + 1) * batchSize);
    return rows ? part.map((i) => rows[i] as number) : part;
  });
}

export const collateExamples = (set: ExampleSet, examples: Int32Array): Batch =>
  collate(set.encoded, examples, set.targets, set.tokenClasses);

/**
 * The parts that a batch is computed in: examples by descending length, each part as many as fit `tokens` padded tokens
 * and at least one. Without a limit, the batch itself in its own order.
 */
export function splitBatch(set: ExampleSet, examples: Int32Array, tokens: number | undefined): readonly Int32Array[] {
  if (tokens === undefined) return [examples];
  const { offsets } = set.encoded;
  const length = (e: number): number => (offsets[e + 1] as number) - (offsets[e] as number);
  if (Math.max(...Array.from(examples, length)) * examples.length <= tokens) return [examples];
  const sorted = examples.slice().sort((a, b) => length(b) - length(a) || a - b);
  const parts: Int32Array[] = [];
  for (let start = 0; start < sorted.length;) {
    const longest = length(sorted[start] as number);
    const count = Math.max(1, Math.floor(tokens / longest));
    parts.push(sorted.slice(start, start + count));
    start += count;
  }
  return parts;
}

/** The rows in the file of some examples, for messages. */
export const rowsOf = (set: ExampleSet, examples: Int32Array): number[] =>
  Array.from(examples, (e) => set.rowNumbers[e] as number);
