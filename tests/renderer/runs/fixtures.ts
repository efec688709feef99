/** A small document and a run, for the tests of the page's logic. */
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import type { Document } from '../../../engine/protocol/document.ts';

interface Options {
  readonly train?: Readonly<Record<string, number>>;
  readonly rank?: number;
  readonly withoutLora?: boolean;
}

export function smallDocument(options: Options = {}): Document {
  const lora = { type: 'peft.lora', version: 1, title: 'LoRA', recipe: 'lora', params: {} };
  const document = {
    format: 'espalier',
    version: 1,
    title: 'small',
    workflow: {
      nodes: {
        data: { type: 'data.table', version: 1, params: { file: 'a.csv', text: ['text'], label: ['label'] } },
        model: { type: 'model', version: 1, model: 'main', params: { backbone: 'starter' } },
        train: { type: 'train', version: 1, params: options.train ?? { lr: 0.001, epochs: 3, seed: 1 } },
      },
      edges: [
        { from: { node: 'model', port: 'model' }, to: { node: 'train', port: 'model' } },
        { from: { node: 'data', port: 'data' }, to: { node: 'train', port: 'data' } },
      ],
    },
    models: {
      main: {
        nodes: {
          layers: {
            type: 'stack',
            version: 1,
            params: {},
            stack: { repeat: 6, first: 0, weights: 'each', carry: ['hidden'], broadcast: [], collect: [] },
            body: {
              nodes: {
                query: { type: 'layer.linear', version: 1, title: 'Query', params: { inFeatures: 384 } },
                ...(options.withoutLora ? {} : { lora }),
              },
              edges: options.withoutLora
                ? []
                : [{ from: { node: 'lora', port: 'transform' }, to: { node: 'query', port: 'transforms' } }],
            },
          },
          head: { type: 'head.linear', version: 1, params: { outputs: 4 } },
        },
        edges: [{ from: { node: 'layers', port: 'hidden' }, to: { node: 'head', port: 'x' } }],
      },
    },
    recipes: { lora: { type: 'peft.lora', version: 1, params: { rank: options.rank ?? 8 } } },
    sharedSets: {},
    banks: {},
  };
  return document as unknown as Document;
}

export const someRun = (change: Partial<RunSummary> = {}): RunSummary => ({
  run: 'r1' as RunSummary['run'],
  project: 'p1' as NonNullable<RunSummary['project']>,
  number: 1,
  name: 'Run 1',
  state: 'done',
  created: '2026-11-21T02:00:00.000Z',
  seconds: 30,
  target: 'train',
  recipe: 'LoRA r8 on query, value',
  trainable: 73_728,
  backboneParameters: 22_713_216,
  seed: 1,
  metric: 'accuracy',
  figure: 0.866,
  metrics: { accuracy: 0.866 },
  majority: 0.506,
  peakRssBytes: 900_000_000,
  examplesPerSecond: 55,
  step: 100,
  steps: 100,
  epoch: 3,
  documentHash: 'a'.repeat(64),
  diagnostics: [],
  ...change,
});
