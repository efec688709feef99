/** Parameter counts of every preset on BERT-base, against the table of methods-1 0.5; presets refuse what they do not know. */
import { describe, expect, test } from 'vitest';
import { compileModel } from '../../engine/compile/model.ts';
import { elementsOf } from '../../engine/ir/types.ts';
import type { SourceModule } from '../../engine/nodekit/node.ts';
import { emptyDocument, type Document } from '../../engine/protocol/document.ts';
import { bankId, recordOf } from '../../engine/protocol/ids.ts';
import { applyPreset, bertGraph, presetNames, type BertConfig } from '../../nodes/index.ts';
import { MAIN, REGISTRY } from '../support/tinyModels.ts';

const BASE: BertConfig = {
  family: 'bert',
  prefix: 'bert.',
  hasPooler: true,
  vocabulary: 30522,
  width: 768,
  layers: 12,
  heads: 12,
  intermediate: 3072,
  activation: 'gelu',
  dropout: 0.1,
  attentionDropout: 0.1,
  classifierDropout: 0.1,
  positions: 512,
  types: 2,
  epsilon: 1e-12,
};
const BANK = bankId('glue');

const sources = (n: number): SourceModule[] =>
  Array.from({ length: n }, (_, i) => ({
    name: `task${i}`,
    type: 'peft.bottleneck',
    params: { size: 48, activation: 'relu', dropout: 0, scale: 1, learnedScale: 'none', init: 'bert' },
    tensor: (name) => ({ artifact: `task${i}`, tensor: `layers/{layer}/pfeiffer/${name}` }),
  }));

function documentWith(method: string, params: Record<string, unknown>): Document {
  const base: Document = {
    ...emptyDocument('count'),
    banks: recordOf([[BANK, { sources: [] }]]),
    models: recordOf([[MAIN, bertGraph(BASE, { kind: 'classification', classes: 2 })]]),
  };
  const made = applyPreset(base, MAIN, method, params, BANK);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

function trainableWithoutHead(method: string, params: Record<string, unknown>): number {
  const document = documentWith(method, params);
  const { compiled, diagnostics } = compileModel({
    document,
    model: MAIN,
    registry: REGISTRY,
    training: true,
    banks: new Map([[BANK, sources(8)]]),
  });
  expect(diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  return (compiled?.parameters ?? [])
    .filter((p) => p.role === 'trainable' && !p.name.startsWith('head/'))
    .reduce((n, p) => n + Number(elementsOf(p.type)), 0);
}

describe('trainable parameters without the head', () => {
  test.each([
    ['head', {}, 0],
    ['lora', {}, 294_912],
    ['lora', { targets: 'query,key,value,out', r: 4 }, 294_912],
    ['lora', { layers: '-2..' }, 294_912 / 6],
    ['rslora', {}, 294_912],
    ['dora', {}, 313_344],
    ['ia3', {}, 55_296],
    ['bitfit', {}, 102_912],
    ['lntuning', {}, 38_400],
    ['houlsby', {}, 1_789_056],
    ['houlsby', { size: 64 }, 2_379_264],
    ['pfeiffer', {}, 894_528],
    ['parallel', {}, 7_091_712],
    ['prompt', {}, 7_680],
    ['prefix', { size: 30 }, 552_960],
    ['prefix', { size: 20 }, 368_640],
    ['prefix-mlp', {}, 9_872_384],
    ['fusion', {}, 21_252_096],
    ['fusion', { value: false }, 14_174_208],
    ['scalearn', {}, 73_728],
    ['scalearn', { variant: 'uniform' }, 96],
    ['scalearn', { variant: 'scalearn++' }, 6_144],
    ['scalearn', { variant: 'uniform++' }, 8],
    ['average', {}, 0],
    ['unfreeze', { targets: 'query' }, 12 * (768 * 768 + 768)],
  ] as [string, Record<string, unknown>, number][])('%s %j', (method, params, count) => {
    expect(trainableWithoutHead(method, params)).toBe(count);
  });
});

describe('a preset refuses what it does not know', () => {
  const base = {
    ...emptyDocument('x'),
    models: recordOf([[MAIN, bertGraph(BASE, { kind: 'regression' })]]),
  } as Document;
  test.each([
    ['lorra', {}, 'no method is named "lorra"'],
    ['lora', { rank: 4 }, '"lora" has no parameter "rank"; it has r, alpha'],
    ['lora', { r: 0 }, 'parameter "r" of "lora" must be 1 or more'],
    ['lora', { targets: 'query,foo' }, '"foo" names no linear layer'],
    ['scalearn', {}, 'needs a source bank'],
  ] as [string, Record<string, unknown>, string][])('%s %j', (method, params, message) => {
    const made = applyPreset(base, MAIN, method, params);
    expect(made.ok).toBe(false);
    if (!made.ok) expect(made.error).toContain(message);
  });
  test('every preset has a name of its own', () => {
    expect(new Set(presetNames()).size).toBe(presetNames().length);
  });
});
