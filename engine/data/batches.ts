/**
 * Batches: which examples go together in which order (`planEpoch`), and their arrays (`collate`). A plan is a pure function
 * of its arguments, so a resumed run computes the same batches of any epoch and takes the k-th without replaying.
 */
import { BugError } from '../base/errors.ts';
import { createRandom, permutation, randomKey } from '../base/random.ts';
import type { EncodedDataset } from './encode.ts';
import { IGNORED_LABEL, type Targets } from './task.ts';

export type BatchOrder = 'grouped' | 'random' | 'sequential';

export interface EpochRequest {
  /** Tokens of each example. */
  readonly lengths: Int32Array;
  readonly batchSize: number;
  readonly seed: number;
  readonly epoch: number;
  readonly order: BatchOrder;
  /** Leaves out the examples that do not fill a last batch. */
  readonly dropLast?: boolean;
}

/** Examples are sorted by length within at most this many batches at a time. */
const LARGEST_GROUP = 50;
/** And there are at least this many groups, so that small data sets are mixed too. */
const FEWEST_GROUPS = 4;

/**
 * The batches of one epoch as example indices. `grouped` keeps lengths together and order random: all examples are
 * shuffled, cut into groups of up to 50 batches, each group is sorted by length and cut into batches, and the batches are
 * shuffled (the scheme of `group_by_length`, without its fixed first batch).
 */
export function planEpoch(request: EpochRequest): readonly Int32Array[] {
  const { lengths, batchSize, seed, epoch, order, dropLast = false } = request;
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new BugError(`a batch size is 1 or more, got ${batchSize}`);
  const n = lengths.length;
  if (order === 'sequential')
    return cutBatches(
      Int32Array.from({ length: n }, (_, i) => i),
      batchSize,
      dropLast,
    );
  const shuffled = permutation(randomKey(seed, 'epoch', epoch), n);
  if (order === 'random') return cutBatches(shuffled, batchSize, dropLast);

  const groupBatches = Math.max(1, Math.min(LARGEST_GROUP, Math.floor(n / (FEWEST_GROUPS * batchSize))));
  const groupSize = groupBatches * batchSize;
  const batches: Int32Array[] = [];
  for (let start = 0; start < n; start += groupSize) {
    // The sort is stable, so equal lengths keep their shuffled order.
    const group = shuffled.slice(start, start + groupSize);
    const sorted = Int32Array.from([...group].sort((a, b) => (lengths[a] as number) - (lengths[b] as number)));
    batches.push(...cutBatches(sorted, batchSize, dropLast));
  }
  const places = permutation(randomKey(seed, 'epoch', epoch, 'batches'), batches.length);
  return Array.from(places, (place) => batches[place] as Int32Array);
}

function cutBatches(order: Int32Array, batchSize: number, dropLast: boolean): readonly Int32Array[] {
  const batches: Int32Array[] = [];
  for (let start = 0; start < order.length; start += batchSize) {
    const batch = order.slice(start, start + batchSize);
    if (batch.length === batchSize || !dropLast) batches.push(batch);
  }
  return batches;
}

/** How many batches an epoch has; the same for every order. */
export function batchCount(rows: number, batchSize: number, dropLast = false): number {
  return dropLast ? Math.floor(rows / batchSize) : Math.ceil(rows / batchSize);
}

/** Labels of one batch; the arrays follow the order of its examples or tokens. */
export type BatchLabels =
  | { readonly kind: 'classification'; readonly classes: Int32Array }
  /** [B, labels] of 0 and 1. */
  | { readonly kind: 'multilabel'; readonly values: Float32Array }
  | { readonly kind: 'regression'; readonly values: Float32Array }
  /** One class for each of the N real tokens, `IGNORED_LABEL` where a token counts for nothing. */
  | { readonly kind: 'tokens'; readonly classes: Int32Array }
  | { readonly kind: 'none' };

export interface Batch {
  /** Indices of the examples in the data set. */
  readonly examples: Int32Array;
  readonly B: number;
  /** Length of the longest example. */
  readonly T: number;
  /** Real tokens, not counting padding. */
  readonly N: number;
  /** [B*T], padded at the end of each row. */
  readonly ids: Int32Array;
  /** [B*T]; 0 on padding. */
  readonly typeIds: Int32Array;
  /** [B]. */
  readonly lengths: Int32Array;
  /** [N]: place of each real token in B*T, ascending. */
  readonly packIndex: Int32Array;
  /** [B]: which of the N real tokens is each example's first. */
  readonly firstRow: Int32Array;
  readonly labels: BatchLabels;
}

/**
 * The arrays of one batch. `targets` are those of the data set, for tokens together with `tokenLabels` (one class for each
 * token of the encoded data set).
 */
export function collate(
  encoded: EncodedDataset,
  examples: Int32Array,
  targets: Targets,
  tokenClasses?: Int32Array,
): Batch {
  const B = examples.length;
  const lengths = Int32Array.from(examples, (e) => (encoded.offsets[e + 1] as number) - (encoded.offsets[e] as number));
  const T = lengths.reduce((a, b) => Math.max(a, b), 0);
  const N = lengths.reduce((a, b) => a + b, 0);
  const ids = new Int32Array(B * T).fill(encoded.padId);
  const typeIds = new Int32Array(B * T);
  const packIndex = new Int32Array(N);
  const firstRow = new Int32Array(B);
  let packed = 0;
  examples.forEach((e, b) => {
    const from = encoded.offsets[e] as number;
    const to = encoded.offsets[e + 1] as number;
    ids.set(encoded.ids.subarray(from, to), b * T);
    typeIds.set(encoded.typeIds.subarray(from, to), b * T);
    firstRow[b] = packed;
    for (let t = 0; t < to - from; t++) packIndex[packed++] = b * T + t;
  });
  const labels = batchLabels(encoded, examples, targets, N, tokenClasses);
  return { examples, B, T, N, ids, typeIds, lengths, packIndex, firstRow, labels };
}

function batchLabels(
  encoded: EncodedDataset,
  examples: Int32Array,
  targets: Targets,
  N: number,
  tokenClasses: Int32Array | undefined,
): BatchLabels {
  switch (targets.kind) {
    case 'none':
      return { kind: 'none' };
    case 'classification':
      return { kind: 'classification', classes: Int32Array.from(examples, (e) => targets.classes[e] as number) };
    case 'regression':
      return { kind: 'regression', values: Float32Array.from(examples, (e) => targets.values[e] as number) };
    case 'multilabel': {
      const width = targets.labels.length;
      const values = new Float32Array(examples.length * width);
      examples.forEach((e, b) => values.set(targets.values.subarray(e * width, (e + 1) * width), b * width));
      return { kind: 'multilabel', values };
    }
    case 'tokens': {
      if (tokenClasses === undefined) throw new BugError('batches of a token task need the class of each token');
      const classes = new Int32Array(N);
      let at = 0;
      for (const e of examples) {
        const part = tokenClasses.subarray(encoded.offsets[e], encoded.offsets[e + 1]);
        classes.set(part, at);
        at += part.length;
      }
      return { kind: 'tokens', classes };
    }
  }
}

/** Token classes [N] spread to [B*T], `IGNORED_LABEL` on padding, for a model that does not pack. */
export function unpackClasses(batch: Batch, classes: Int32Array): Int32Array {
  const spread = new Int32Array(batch.B * batch.T).fill(IGNORED_LABEL);
  batch.packIndex.forEach((place, n) => (spread[place] = classes[n] as number));
  return spread;
}

/** A random part of the rows for evaluation: `share` of them, at least one and never all, in ascending order. */
export function splitRows(
  rows: number,
  share: number,
  seed: number,
): { readonly train: Int32Array; readonly eval: Int32Array } {
  if (rows < 2 || !(share > 0 && share < 1)) throw new BugError(`cannot split ${rows} rows by a share of ${share}`);
  const random = createRandom(randomKey(seed, 'split'));
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  random.shuffle(order);
  const count = Math.min(rows - 1, Math.max(1, Math.round(rows * share)));
  return { eval: order.slice(0, count).sort(), train: order.slice(count).sort() };
}
