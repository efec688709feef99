/** Reading configurations: what the BERT family needs, and every reason to refuse a checkpoint, at once. */
import { describe, expect, it } from 'vitest';
import { bertGraph, fitHead, headTask, longestText, readBertConfig, type BackboneFacts } from '../../../nodes/index.ts';
import { TINY_CONFIG } from '../../support/tinyBackbone.ts';

const names = (prefix = ''): ReadonlySet<string> =>
  new Set([`${prefix}embeddings.word_embeddings.weight`, `${prefix}pooler.dense.weight`]);
const facts = (config: Readonly<Record<string, unknown>>, tensorNames = names()): BackboneFacts => ({
  config: { ...TINY_CONFIG, ...config },
  tensorNames,
});
const read = (given: BackboneFacts) => {
  const found = readBertConfig(given);
  if (!found.ok) throw new Error(found.error.map((d) => d.message).join('; '));
  return found.value;
};
const refusals = (given: BackboneFacts): readonly string[] => {
  const found = readBertConfig(given);
  return found.ok ? [] : found.error.map((d) => `${d.code}: ${d.message} Found: ${d.found ?? ''}`);
};

describe('a configuration', () => {
  it('gives sizes, dropout and names', () => {
    expect(read(facts({}))).toEqual({
      family: 'bert',
      prefix: '',
      hasPooler: true,
      vocabulary: TINY_CONFIG.vocab_size,
      width: 16,
      layers: 2,
      heads: 2,
      intermediate: 24,
      activation: 'gelu',
      dropout: 0.1,
      attentionDropout: 0.1,
      classifierDropout: 0.1,
      positions: 32,
      types: 2,
      epsilon: 1e-12,
    });
  });
  it.each([
    ['bert.', 'bert', 'bert.'],
    ['roberta.', 'roberta', 'roberta.'],
    ['roberta.', 'xlm-roberta', 'roberta.'],
    ['', 'camembert', ''],
  ])('finds the prefix %j of type %s', (prefix, model_type, found) => {
    expect(read(facts({ model_type, pad_token_id: 1 }, names(prefix))).prefix).toBe(found);
  });
  it('tells whether there is a pooler', () => {
    expect(read(facts({}, new Set(['embeddings.word_embeddings.weight']))).hasPooler).toBe(false);
  });
  it('takes the dropout of the head from the hidden one when it is not stated', () => {
    expect(read(facts({ hidden_dropout_prob: 0.3, classifier_dropout: null })).classifierDropout).toBe(0.3);
    expect(read(facts({ classifier_dropout: 0.2 })).classifierDropout).toBe(0.2);
  });
  it('leaves the first position rows of RoBERTa to no token', () => {
    expect(longestText(read(facts({})))).toBe(32);
    expect(longestText(read(facts({ model_type: 'roberta', pad_token_id: 1 })))).toBe(30);
  });
});

describe('a configuration is refused', () => {
  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['for another architecture', { model_type: 'gpt2' }, 'backbone-family'],
    ['without one', { model_type: undefined }, 'nothing'],
    [
      'for relative positions',
      { position_embedding_type: 'relative_key' },
      '"position_embedding_type" must be "absolute"',
    ],
    ['for an unknown activation', { hidden_act: 'mish' }, '"hidden_act" must be one of gelu'],
    ['for a decoder', { is_decoder: true }, '"is_decoder" must be false'],
    ['for heads that do not divide the width', { num_attention_heads: 3 }, 'a divisor of "hidden_size"'],
    ['for a size that is no number', { hidden_size: '16' }, '"hidden_size" must be a whole number'],
    ['for a size out of bounds', { vocab_size: 1e12 }, '"vocab_size" must be a whole number'],
    ['for a dropout that is no probability', { hidden_dropout_prob: 1 }, '"hidden_dropout_prob" must be a probability'],
    ['for a RoBERTa with other positions', { model_type: 'roberta', pad_token_id: 0 }, '"pad_token_id" must be 1'],
  ])('%s', (_name, config, message) => {
    expect(refusals(facts(config)).join('\n')).toContain(message);
  });
  it('with all reasons at once', () => {
    expect(refusals(facts({ hidden_act: 'mish', is_decoder: true, type_vocab_size: 0 }))).toHaveLength(3);
  });
  it('when the tensors are those of another model', () => {
    expect(refusals(facts({}, new Set(['wte.weight'])))[0]).toMatch(/backbone-prefix.*1 tensors, such as wte.weight/);
  });
});

describe('a head', () => {
  const graph = bertGraph(read(facts({})), { kind: 'classification', classes: 3 });
  it('says what it is for', () => {
    expect(headTask(graph)).toEqual({ kind: 'classification', outputs: 3 });
  });
  it.each([
    ['multilabel', 5, 'loss.bce'],
    ['regression', 1, 'loss.mse'],
    ['classification', 7, 'loss.crossEntropy'],
  ] as const)('becomes one for %s', (kind, outputs, loss) => {
    const fitted = fitHead(graph, { kind, outputs });
    if (!fitted.ok) throw new Error(fitted.error);
    expect(headTask(fitted.value)).toEqual({ kind, outputs });
    expect(Object.values(fitted.value.nodes).map((n) => n.type)).toContain(loss);
  });
  it('for sequences does not become one for tokens', () => {
    expect(fitHead(graph, { kind: 'tokens', outputs: 5 })).toMatchObject({ ok: false });
  });
  it('must be there', () => {
    expect(headTask({ nodes: {}, edges: [] })).toBeUndefined();
    expect(fitHead({ nodes: {}, edges: [] }, { kind: 'regression', outputs: 1 })).toMatchObject({ ok: false });
  });
});
