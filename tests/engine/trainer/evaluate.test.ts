/** Inputs and outputs of models of every task, with a stand-in for the model that knows the answers it must give. */
import { describe, expect, it } from 'vitest';
import { rowKey } from '../../../engine/base/counterHash.ts';
import type { HostTensor } from '../../../engine/backends/executable.ts';
import { tokenLabels, type EncodedDataset } from '../../../engine/data/encode.ts';
import type { Targets } from '../../../engine/data/task.ts';
import { symbol } from '../../../engine/ir/dim.ts';
import { tensorType, type Shape } from '../../../engine/ir/types.ts';
import { evaluateModel, predict, type EvaluationContext } from '../../../engine/trainer/evaluate.ts';
import { collateExamples, type ExampleSet } from '../../../engine/trainer/examples.ts';
import { batchFeeds, type DeclaredInputs } from '../../../engine/trainer/feeds.ts';

const [B, T, N] = [symbol('B'), symbol('T'), symbol('N')];

/** Four sentences of words; the first has a word of two tokens, the last one word that was cut off. */
const wordIds = [
  [-1, 0, 0, 1, -1],
  [-1, 0, -1],
  [-1, 0, 1, 2, -1],
  [-1, 0, -1],
];
const lengths = wordIds.map((w) => w.length);
const offsets = Int32Array.from([0, 5, 8, 13, 16]);
const encoded: EncodedDataset = {
  key: 'four',
  rows: 4,
  maxLength: 8,
  padId: 9,
  offsets,
  ids: Int32Array.from({ length: 16 }, (_, i) => 100 + i),
  typeIds: new Uint8Array(16),
  wordIds: Int32Array.from(wordIds.flat()),
  cut: Int32Array.of(0, 0, 0, 1),
};
const setOf = (targets: Targets): ExampleSet => ({
  encoded,
  targets,
  ...(targets.kind === 'tokens' ? { tokenClasses: tokenLabels(encoded, targets.tags) } : {}),
  file: 'four.jsonl',
  rowNumbers: Int32Array.of(1, 2, 4, 5),
  key: 'four',
});

/** A model whose output is computed from its feeds; examples are told by the id of their first token. */
function contextOf(
  set: ExampleSet,
  output: (feeds: ReadonlyMap<string, HostTensor>, examples: readonly number[]) => HostTensor,
  more: readonly (readonly [string, 'i32' | 'f32', Shape])[] = [],
): EvaluationContext {
  const declared = [['batch/ids', 'i32', [B, T]] as const, ...more];
  return {
    model: {
      inputs: new Map(declared.map(([name, dtype, shape]) => [name, tensorType(dtype, shape)])),
      trainables: [],
      executable: {
        run: async (feeds) => {
          const { data, shape } = feeds.get('batch/ids')!;
          const [rows, length] = shape as readonly [number, number];
          const firsts = Array.from({ length: rows }, (_, b) => data[b * length]!);
          const examples = firsts.map((id) => [...offsets].indexOf(id - 100));
          return new Map([
            ['output/logits', output(feeds, examples)],
            ['loss/loss/sum', { dtype: 'f32', shape: [], data: Float32Array.of(3 * rows) }],
            ['loss/loss/weight', { dtype: 'f32', shape: [], data: Float32Array.of(rows) }],
          ]);
        },
        dispose: async () => undefined,
      },
    },
    output: 'output/logits',
    set,
    batchSize: 3,
    microBatchTokens: undefined,
    firstPosition: 0,
    extra: undefined,
  };
}

const rows = (values: readonly (readonly number[])[]): HostTensor => ({
  dtype: 'f32',
  shape: [values.length, values[0]!.length],
  data: Float32Array.from(values.flat()),
});
const losses = [{ name: 'loss', coefficient: 0.5 }];

describe('evaluation and prediction', () => {
  it('of one class of many', async () => {
    const set = setOf({ kind: 'classification', labels: ['a', 'b'], classes: Int32Array.of(0, 1, 1, -100) });
    const logits = [
      [1, 0],
      [0, 2],
      [3, 0],
      [0, 9],
    ];
    const context = contextOf(set, (_feeds, examples) => rows(examples.map((e) => logits[e]!)));
    const { metrics, loss } = await evaluateModel(context, new Map(), losses);
    expect(metrics.figures.get('accuracy')).toBeCloseTo(2 / 3, 12);
    expect(metrics.figures.get('ignored_rows')).toBe(1);
    expect(loss).toBe(1.5);
    const predictions = await predict(context, new Map(), 'classification');
    expect(predictions.map((p) => (p.kind === 'classification' ? p.label : -1))).toEqual([0, 1, 0, 1]);
    const [first] = predictions;
    expect(first?.kind === 'classification' && first.probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  });

  it('of any number of labels', async () => {
    const set = setOf({ kind: 'multilabel', labels: ['a', 'b'], values: Uint8Array.of(1, 0, 0, 1, 1, 1, 0, 0) });
    const logits = [
      [2, -2],
      [-2, 2],
      [2, 2],
      [-2, 2],
    ];
    const context = contextOf(set, (_feeds, examples) => rows(examples.map((e) => logits[e]!)));
    const { metrics } = await evaluateModel(context, new Map(), []);
    expect(metrics.figures.get('subset_accuracy')).toBe(0.75);
    const predictions = await predict(context, new Map(), 'multilabel');
    expect(predictions.map((p) => (p.kind === 'multilabel' ? [...p.labels] : []))).toEqual([[0], [1], [0, 1], [1]]);
  });

  it('of a number', async () => {
    const set = setOf({ kind: 'regression', values: Float64Array.of(1, 2, 3, 4) });
    const context = contextOf(set, (_feeds, examples) => rows(examples.map((e) => [2 * e + 1])));
    const { metrics, loss } = await evaluateModel(context, new Map(), [], 'pearson');
    expect(metrics).toMatchObject({ primary: 'pearson' });
    expect(metrics.figures.get('pearson')).toBeCloseTo(1, 12);
    expect(loss).toBeUndefined();
    const predictions = await predict(context, new Map(), 'regression');
    expect(predictions).toEqual([1, 3, 5, 7].map((value) => ({ kind: 'regression', value })));
  });

  describe.each([{ packed: false }, { packed: true }])('of a tag for every word (packed: $packed)', ({ packed }) => {
    const labels = ['O', 'B-X', 'I-X'];
    const gold = [Int32Array.of(1, 0), Int32Array.of(1), Int32Array.of(1, 2, 0), Int32Array.of(0, 1)];
    const set = setOf({ kind: 'tokens', labels, scheme: 'bio', tags: gold });
    /** Says the gold tag, or `O`, on every first token of a word, and nonsense elsewhere. */
    const output = (_feeds: unknown, examples: readonly number[]): HostTensor => {
      const length = Math.max(...examples.map((e) => lengths[e]!));
      const tokens = examples.flatMap((e) =>
        Array.from({ length: packed ? lengths[e]! : length }, (_, t) => {
          const word = wordIds[e]![t];
          const first = word !== undefined && word >= 0 && wordIds[e]![t - 1] !== word;
          const tag = first ? (e === 1 ? 0 : gold[e]![word]!) : 2;
          return labels.map((_label, k) => (k === tag ? 5 : 0));
        }),
      );
      const { data } = rows(tokens);
      return { dtype: 'f32', shape: packed ? [tokens.length, 3] : [examples.length, length, 3], data };
    };

    it('counts entities of first tokens', async () => {
      const { metrics } = await evaluateModel(contextOf(set, output), new Map(), []);
      expect(metrics.figures.get('entity_precision')).toBe(1);
      expect(metrics.figures.get('entity_recall')).toBeCloseTo(2 / 3, 12);
    });

    it('predicts the words that have a token', async () => {
      const predictions = await predict(contextOf(set, output), new Map(), 'tokens');
      expect(predictions.map((p) => (p.kind === 'tokens' ? p.tags : []))).toEqual([[1, 0], [0], [1, 2, 0], [0]]);
    });
  });
});

describe('inputs of a Program', () => {
  const targets: Targets = {
    kind: 'tokens',
    labels: ['O', 'X'],
    scheme: 'plain',
    tags: [Int32Array.of(1, 0), Int32Array.of(1), Int32Array.of(0, 0, 0), Int32Array.of(0, 1)],
  };
  const batch = collateExamples(setOf(targets), Int32Array.of(3, 0));
  const declared: DeclaredInputs = new Map(
    (
      [
        ['batch/ids', 'i32', [B, T]],
        ['batch/positions', 'i32', [B, T]],
        ['batch/lengths', 'i32', [B]],
        ['batch/labels', 'i32', [B, T]],
        ['rng/key', 'u32', [2]],
        ['rng/tokens', 'i32', [B, 'T+2']],
        ['rng/examples', 'i32', [B]],
        ['pack/index', 'i32', [N]],
        ['pack/starts', 'i32', [B]],
        ['scale/loss', 'f32', []],
      ] as const
    ).map(([name, dtype, shape]) => [name, tensorType(dtype, shape as unknown as Shape)]),
  );
  const context = { firstPosition: 2, noiseKey: [7, 8], scales: new Map([['loss', 0.25]]) } as const;
  const feeds = batchFeeds(declared, batch, context);
  const data = (name: string): number[] => Array.from(feeds.get(name)!.data);

  it('are as the declaration says', () => {
    expect([...feeds.keys()]).toEqual([...declared.keys()]);
    expect(data('batch/ids')).toEqual([113, 114, 115, 9, 9, 100, 101, 102, 103, 104]);
    expect(data('batch/positions')).toEqual([2, 3, 4, 5, 6, 2, 3, 4, 5, 6]);
    expect(data('batch/lengths')).toEqual([3, 5]);
    expect(data('batch/labels')).toEqual([-100, 0, -100, -100, -100, -100, 1, -100, 0, -100]);
    expect(data('rng/key')).toEqual([7, 8]);
    expect(data('pack/index')).toEqual([0, 1, 2, 5, 6, 7, 8, 9]);
    expect(data('pack/starts')).toEqual([0, 3]);
    expect(feeds.get('scale/loss')).toEqual({ dtype: 'f32', shape: [], data: Float32Array.of(0.25) });
  });

  it('name the logical place of noise: example and position, not the row of the batch', () => {
    expect(feeds.get('rng/tokens')!.shape).toEqual([2, 7]);
    expect(data('rng/tokens').slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 6].map((t) => rowKey(3, t)));
    expect(data('rng/examples')).toEqual([rowKey(3, -1), rowKey(0, -1)]);
  });

  it('that nobody knows are a bug, and so are labels where there are none', () => {
    const one = (name: string): DeclaredInputs => new Map([[name, tensorType('f32', [])]]);
    expect(() => batchFeeds(one('batch/colour'), batch, context)).toThrow('knows no input "batch/colour"');
    const bare = collateExamples(setOf({ kind: 'none' }), Int32Array.of(0));
    expect(() => batchFeeds(one('batch/labels'), bare, context)).toThrow('without labels');
    expect(() => batchFeeds(one('rng/key'), bare, { firstPosition: 0 })).toThrow('in training only');
  });
});
