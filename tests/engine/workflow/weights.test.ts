import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { EntryParameter } from '../../../engine/compile/model.ts';
import type { BankId } from '../../../engine/protocol/ids.ts';
import { openBackbone, type Backbone } from '../../../engine/workflow/backbone.ts';
import type { BankSource } from '../../../engine/workflow/banks.ts';
import { modelWeights } from '../../../engine/workflow/weights.ts';
import { VECTOR } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { writeTinyBackbone } from '../../support/tinyBackbone.ts';

const folder = temporaryFolder();
let backbone: Backbone;
beforeEach(() => {
  backbone = openBackbone(writeTinyBackbone(join(folder(), 'backbone')), folder());
});

const source = (name: string, values: readonly number[]): BankSource => ({
  bank: 'tasks' as BankId,
  name,
  module: { node: 'm', type: 'peft.bottleneck', params: {}, prefix: '', layers: [] },
  adapter: { modules: [], shape: () => [values.length], read: () => Float32Array.from(values) },
});
const ONE = [1, 2, 3, 4];
const OTHER = [5, 6, 7, 8];
const weight = (artifact: string): EntryParameter => ({
  name: `${artifact}:up`,
  path: 'm/up',
  paths: ['m/up'],
  role: 'weight',
  type: VECTOR,
  scope: 'layer',
  source: { artifact, tensor: 'up' },
});
const keyOf = (first: readonly number[], second: readonly number[]): string =>
  modelWeights([weight('tasks.a'), weight('tasks.b')], backbone, [source('a', first), source('b', second)]).key;

describe('the key of frozen weights', () => {
  it('is that of the backbone when no bank is read', () => {
    expect(modelWeights([], backbone, [source('a', ONE)]).key).toBe(backbone.hash);
  });
  it('names the values of every source, and which source has them', () => {
    const key = keyOf(ONE, OTHER);
    expect(keyOf(ONE, OTHER)).toBe(key);
    expect(keyOf(ONE, [5, 6, 7, 9])).not.toBe(key);
    expect(keyOf(OTHER, ONE)).not.toBe(key);
    expect(key).not.toBe(backbone.hash);
  });
});
