/** Which modules a configuration means, by PEFT's rules, and short names that mean exactly the wanted modules. */
import { describe, expect, test } from 'vitest';
import type { Ia3Config, LoraConfig } from '../../../engine/checkpoints/peft/config.ts';
import {
  adaptedModules,
  chooseNames,
  isFeedforward,
  layerOf,
  patternValue,
  type ModelModule,
} from '../../../engine/checkpoints/peft/modules.ts';
import { seeded } from './helpers.ts';

const LAYERS = 12;
const LINEAR = [
  'attention.self.query',
  'attention.self.key',
  'attention.self.value',
  'attention.output.dense',
  'intermediate.dense',
  'output.dense',
];
const NORM = ['attention.output.LayerNorm', 'output.LayerNorm'];
const module = (name: string, kind: ModelModule['kind']): ModelModule => ({ name, kind });
const inLayers = (names: readonly string[], kind: ModelModule['kind']): ModelModule[] =>
  Array.from({ length: LAYERS }, (_, i) => names.map((n) => module(`bert.encoder.layer.${i}.${n}`, kind))).flat();
const MODULES: readonly ModelModule[] = [
  module('bert.embeddings.word_embeddings', 'embedding'),
  module('bert.embeddings.LayerNorm', 'norm'),
  ...inLayers(LINEAR, 'linear'),
  ...inLayers(NORM, 'norm'),
  module('bert.pooler.dense', 'linear'),
  module('classifier', 'head'),
];

const lora = (fields: Partial<LoraConfig>): LoraConfig => ({
  type: 'LORA',
  task: 'SEQ_CLS',
  baseModel: undefined,
  targets: { kind: 'names', names: [] },
  exclude: undefined,
  layers: undefined,
  layerWords: [],
  rank: 8,
  alpha: 8,
  dropout: 0,
  rslora: false,
  dora: false,
  rankPattern: new Map(),
  alphaPattern: new Map(),
  ...fields,
});
const meant = (config: LoraConfig | Ia3Config): string[] => adaptedModules(config, MODULES).map((m) => m.name);

describe('what a configuration means', () => {
  test('names are ends behind a dot', () => {
    expect(meant(lora({ targets: { kind: 'names', names: ['query'] } }))).toHaveLength(LAYERS);
    expect(meant(lora({ targets: { kind: 'names', names: ['uery'] } }))).toEqual([]);
    expect(meant(lora({ targets: { kind: 'names', names: ['output.dense'] } }))).toHaveLength(2 * LAYERS);
    expect(meant(lora({ targets: { kind: 'names', names: ['layer.1.output.dense'] } }))).toHaveLength(1);
  });

  test('the head is never meant, the pooler is', () => {
    expect(meant(lora({ targets: { kind: 'all-linear' } }))).toHaveLength(6 * LAYERS + 1);
    expect(meant(lora({ targets: { kind: 'names', names: ['classifier'] } }))).toEqual([]);
  });

  test('excluded modules are left out', () => {
    const config = lora({
      targets: { kind: 'names', names: ['output.dense'] },
      exclude: { kind: 'pattern', pattern: '.*attention.*' },
    });
    expect(meant(config)).toHaveLength(LAYERS);
  });

  test('layers count for ends of names, not for whole names and patterns', () => {
    const whole = 'bert.encoder.layer.5.attention.self.key';
    const names = lora({ targets: { kind: 'names', names: ['query', whole] }, layers: [0, 3] });
    expect(meant(names)).toEqual([
      'bert.encoder.layer.0.attention.self.query',
      'bert.encoder.layer.3.attention.self.query',
      whole,
    ]);
    const pattern = lora({ targets: { kind: 'pattern', pattern: '.*query' }, layers: [0] });
    expect(meant(pattern)).toHaveLength(LAYERS);
    expect(meant(lora({ targets: { kind: 'names', names: ['dense'] }, layers: [0] }))).toHaveLength(3);
  });

  test('the layer is the number behind a word', () => {
    expect(layerOf('bert.encoder.layer.11.output.dense', [])).toBe(11);
    expect(layerOf('bert.encoder.layer.11.output.dense', ['layer'])).toBe(11);
    expect(layerOf('bert.encoder.layer.11.output.dense', ['block'])).toBeUndefined();
    expect(layerOf('bert.pooler.dense', [])).toBeUndefined();
    expect(layerOf('layer.1.dense', [])).toBeUndefined();
  });

  test('the first pattern at the end of a name counts', () => {
    const patterns = new Map([
      ['layer\\.1\\..*query', 2],
      ['query', 4],
      ['uery', 6],
    ]);
    expect(patternValue(patterns, 'bert.encoder.layer.1.attention.self.query', 8)).toBe(2);
    expect(patternValue(patterns, 'bert.encoder.layer.2.attention.self.query', 8)).toBe(4);
    expect(patternValue(patterns, 'bert.encoder.layer.2.attention.self.key', 8)).toBe(8);
  });

  test('inputs are scaled by ends of names without a dot before them', () => {
    const choice = { kind: 'names', names: ['put.dense'] } as const;
    expect(isFeedforward(choice, module('bert.encoder.layer.0.output.dense', 'linear'))).toBe(true);
    expect(isFeedforward(choice, module('bert.encoder.layer.0.intermediate.dense', 'linear'))).toBe(false);
  });
});

describe('names for wanted modules', () => {
  const layer = (i: number, name: string): string => `bert.encoder.layer.${i}.${name}`;
  const every = (name: string): string[] => Array.from({ length: LAYERS }, (_, i) => layer(i, name));

  test('are as short as they can be', () => {
    const wanted = [...every('attention.self.query'), ...every('attention.self.value')];
    expect(chooseNames(wanted, MODULES, true)).toEqual({ names: ['query', 'value'], layers: undefined });
    const norms = MODULES.filter((m) => m.kind === 'norm').map((m) => m.name);
    expect(chooseNames(norms, MODULES, false).names).toEqual(['LayerNorm']);
  });

  test('say the layers apart where the format can', () => {
    const wanted = [layer(3, 'attention.self.query'), layer(4, 'attention.self.query')];
    expect(chooseNames(wanted, MODULES, true)).toEqual({ names: ['query'], layers: [3, 4] });
    expect(chooseNames(wanted, MODULES, false).names).toEqual([
      'layer.3.attention.self.query',
      'layer.4.attention.self.query',
    ]);
  });

  test('tell modules apart whose names end alike', () => {
    const names = chooseNames(every('output.dense'), MODULES, false).names;
    expect(names).toHaveLength(LAYERS);
    expect(names).toContain('layer.11.output.dense');
  });

  test('mean exactly the wanted modules, whatever is wanted', () => {
    const random = seeded(11);
    const linear = MODULES.filter((m) => m.kind === 'linear').map((m) => m.name);
    for (let round = 0; round < 300; round++) {
      const share = random();
      const sites = LINEAR.filter(() => random() < 0.5);
      const structured = linear.filter(
        (n) => sites.some((s) => n.endsWith(s)) && (round % 3 === 0 || random() < share),
      );
      const wanted = structured.length > 0 ? structured : linear.slice(0, 1);
      for (const byLayer of [true, false]) {
        const { names, layers } = chooseNames(wanted, MODULES, byLayer);
        expect(meant(lora({ targets: { kind: 'names', names }, layers })).sort()).toEqual([...wanted].sort());
      }
    }
  });
});
