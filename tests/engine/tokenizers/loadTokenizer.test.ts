/**
 * The starter's tokenizer on hard texts, with the ids that transformers 4.57.6 (tokenizers 0.22.2) gives as literals, and
 * every way in which a tokenizer.json is refused.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UserError, type Diagnostic } from '../../../engine/base/errors.ts';
import type { ExampleEncoder } from '../../../engine/data/encode.ts';
import { loadTokenizer, type Tokenizer } from '../../../engine/tokenizers/loadTokenizer.ts';
import { longestFirst, templateOf } from '../../../engine/tokenizers/template.ts';
import { starterModelFolder } from '../../support/starter.ts';
import { ROBERTA_CONFIG, robertaLike, temporaryFolders, type TemporaryFolders } from './helpers.ts';

let folders: TemporaryFolders;
let starter: Tokenizer;
beforeAll(() => {
  folders = temporaryFolders();
  starter = loadTokenizer(starterModelFolder());
}, 300_000);
afterAll(() => folders.remove());

function refusalOf(folder: string): Diagnostic {
  try {
    loadTokenizer(folder);
  } catch (error) {
    if (error instanceof UserError) return error.diagnostics[0] as Diagnostic;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the starter', () => {
  it.each([
    ['The roses arrived with broken stems.', [101, 1996, 10529, 3369, 2007, 3714, 12402, 1012, 102]],
    ['na\u00efve caf\u00e9 \u00dcn\u00efc\u00f6d\u00e9', [101, 15743, 7668, 27260, 102]],
    [
      '\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u03a4\u039f\u03a5\u03a3',
      [101, 1169, 29722, 29735, 29733, 29733, 29723, 29735, 29733, 1174, 26789, 29733, 102],
    ],
    ['\u4e2d\u6587abc \u{20000}\u{20001}x', [101, 1746, 1861, 5925, 100, 100, 1060, 102]],
    ['\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466} family \u{1f642}', [101, 100, 2155, 100, 102]],
    [
      "don't stop\u2014now\u2026 \u201cok\u201d",
      [101, 2123, 1005, 1056, 2644, 1517, 2085, 1529, 1523, 7929, 1524, 102],
    ],
    ['a\u0085b\u00a0c\ufeff\u200bd', [101, 11113, 3729, 102]],
    ['\u0130stanbul Kelvin \u212a \ufb01', [101, 9960, 24810, 1047, 1984, 102]],
    ['x'.repeat(101), [101, 100, 102]],
    ['', [101, 102]],
    ['[MASK] and [SEP]', [101, 103, 1998, 102, 102]],
    ['\u07ca\u07cb\u07fd \u0718 8\u00bd', [101, 100, 100, 1022, 13714, 102]],
    ['100% of 3,14\u20ac #tag @you', [101, 2531, 1003, 1997, 1017, 1010, 2403, 30102, 1001, 6415, 1030, 2017, 102]],
    ['tab\tnew\nline\rend\u0000\u0007!', [101, 21628, 2047, 2240, 2203, 999, 102]],
  ])('encodes %j', (text, ids) => {
    expect([...starter.encode(text, undefined, 512).ids]).toEqual(ids);
  });

  it.each([
    ['a b c d e', 'f g', 6, [101, 1037, 1038, 102, 1042, 102], [0, 0, 0, 0, 1, 1]],
    ['a b', 'c d e f g h', 6, [101, 1037, 102, 1039, 1040, 102], [0, 0, 0, 1, 1, 1]],
    ['a b c d', 'e f g h', 6, [101, 1037, 102, 1041, 1042, 102], [0, 0, 0, 1, 1, 1]],
    ['a b', 'c d e f g h', 8, [101, 1037, 1038, 102, 1039, 1040, 1041, 102], [0, 0, 0, 0, 1, 1, 1, 1]],
    ['a', '', 16, [101, 1037, 102, 102], [0, 0, 0, 1]],
    ['a b', 'c', 3, [101, 102, 102], [0, 0, 1]],
  ])('encodes the pair %j and %j cut to %i', (first, second, limit, ids, types) => {
    const encoding = starter.encode(first, second, limit);
    expect([...encoding.ids]).toEqual(ids);
    expect([...encoding.typeIds]).toEqual(types);
    expect(encoding.special.reduce((a, b) => a + b, 0)).toBe(3);
    const all = starter.encode(first, second, 512);
    expect(encoding.cut).toBe(all.ids.length - encoding.ids.length);
  });

  it('aligns words that give several tokens or none, also when cut', () => {
    const words = ['Unbelievable', '', 'caf\u00e9s', '\ufffd', 'Wole', 'Soyinka!'];
    const whole = starter.encodeWords(words, 16);
    expect([...whole.ids]).toEqual([101, 23653, 23812, 24185, 2571, 25176, 19839, 2050, 999, 102]);
    expect([...whole.wordIds!]).toEqual([-1, 0, 2, 4, 4, 5, 5, 5, 5, -1]);
    const cut = starter.encodeWords(words, 7);
    expect([...cut.ids]).toEqual([101, 23653, 23812, 24185, 2571, 25176, 102]);
    expect([...cut.wordIds!]).toEqual([-1, 0, 2, 4, 4, 5, -1]);
    expect(cut.cut).toBe(3);
  });

  it('tells what it is', () => {
    const encoder: ExampleEncoder = starter;
    expect(encoder.padId).toBe(0);
    expect([starter.vocabSize, starter.modelMaxLength, starter.warnings]).toEqual([30522, 512, []]);
    expect([starter.specialCount(false), starter.specialCount(true)]).toEqual([2, 3]);
    expect([starter.tokenOf(101), starter.tokenOf(19839), starter.tokenOf(99_999_999)]).toEqual([
      '[CLS]',
      '##ink',
      undefined,
    ]);
    expect(() => starter.encode('a', undefined, 1)).toThrow(/length limit/);
  });

  it('has a hash of everything that decides the ids', () => {
    const config = JSON.parse(readFileSync(join(starterModelFolder(), 'tokenizer_config.json'), 'utf8')) as object;
    const same = folders.starterWith('same', { ...config, name_or_path: 'elsewhere' });
    const cased = folders.starterWith('cased', { ...config, do_lower_case: false });
    expect(loadTokenizer(same).hash).toBe(starter.hash);
    expect(loadTokenizer(cased).hash).not.toBe(starter.hash);
    // The starter's vocabulary has no capitals.
    expect([...loadTokenizer(cased).encode('roses Roses', undefined, 16).ids]).toEqual([101, 10529, 100, 102]);
  });

  it('keeps the end of a text where the model asks for it', () => {
    const folder = folders.starterWith('left', {
      tokenizer_class: 'BertTokenizer',
      truncation_side: 'left',
      do_lower_case: true,
    });
    expect([...loadTokenizer(folder).encode('a b c d', undefined, 4).ids]).toEqual([101, 1039, 1040, 102]);
  });
});

describe('a byte-level tokenizer', () => {
  it('has types of 0 for both texts, its own padding, and blanks before words of a list', () => {
    const texts = ['the rose and the other rose', 'another garden'];
    const tokenizer = loadTokenizer(folders.make('roberta', robertaLike(texts, 40, false), ROBERTA_CONFIG));
    const pair = tokenizer.encode('the', 'rose', 16);
    expect([...pair.typeIds].every((type) => type === 0)).toBe(true);
    expect([pair.ids[0], pair.ids.at(-1), tokenizer.padId, tokenizer.modelMaxLength]).toEqual([0, 2, 1, null]);
    const words = tokenizer.encodeWords(['the', 'rose'], 16);
    expect(tokenizer.tokenOf(words.ids[1]!)).toMatch(/^\u0120/);
    expect([...tokenizer.encode(' the rose', undefined, 16).ids]).toEqual([...words.ids]);
    expect([...tokenizer.encode('the', undefined, 16).ids]).not.toEqual([...tokenizer.encodeWords(['the'], 16).ids]);
  });

  it.each([
    ['PreTrainedTokenizerFast', true, undefined, true],
    ['PreTrainedTokenizerFast', false, true, true],
    ['RobertaTokenizer', true, undefined, false],
    ['RobertaTokenizerFast', false, true, true],
    ['GPT2Tokenizer', true, false, false],
  ])('of class %s (file %s, config %s) puts a blank before a text: %s', (tokenizerClass, file, config, expected) => {
    const settings = { tokenizer_class: tokenizerClass, ...(config === undefined ? {} : { add_prefix_space: config }) };
    const folder = folders.make(`blank-${tokenizerClass}-${file}`, robertaLike(['the rose'], 9, file), settings);
    const tokenizer = loadTokenizer(folder);
    expect(tokenizer.tokenOf(tokenizer.encode('the', undefined, 16).ids[1]!)!.startsWith('\u0120')).toBe(expected);
  });
});

describe('truncation of pairs', () => {
  it.each([
    [5, 2, 3, [2, 1]],
    [2, 6, 4, [2, 2]],
    [2, 6, 5, [2, 3]],
    [4, 4, 3, [1, 2]],
    [4, 3, 3, [2, 1]],
    [3, 4, 9, [3, 4]],
    [9, 9, 0, [0, 0]],
  ])('of %i and %i tokens to %i', (a, b, budget, expected) => {
    expect(longestFirst(a, b, budget)).toEqual(expected);
  });
});

describe('templates', () => {
  it('of a sequence may have one member that places tokens', () => {
    const bert = { type: 'BertProcessing', sep: ['[SEP]', 2], cls: ['[CLS]', 1] } as const;
    const template = templateOf({ type: 'Sequence', processors: [{ type: 'ByteLevel' }, bert] }, 'f');
    expect(template.single.map((piece) => (piece.kind === 'special' ? piece.id : piece.which))).toEqual([1, 'A', 2]);
    expect(() => templateOf({ type: 'Sequence', processors: [bert, bert] }, 'f')).toThrow(/several post-processors/);
  });
});

describe('a hostile or broken tokenizer.json', () => {
  const good = () => robertaLike(['a b a b'], 2, false) as Record<string, Record<string, unknown>>;
  const wordPiece = (vocab: unknown, unknown = '[UNK]') => ({
    model: { type: 'WordPiece', unk_token: unknown, continuing_subword_prefix: '##', vocab },
    added_tokens: [],
  });

  it.each<[string, () => unknown, string]>([
    ['cut off', () => JSON.stringify(good()).slice(0, 200), 'tokenizer-not-json'],
    ['empty', () => '', 'tokenizer-not-json'],
    ['a list', () => [], 'tokenizer-malformed'],
    ['without a model', () => ({ version: '1.0' }), 'tokenizer-malformed'],
    ['nested 20,000 deep', () => `${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'tokenizer-too-deep'],
    ['of an unknown model', () => ({ model: { type: 'Magic', vocab: {} } }), 'tokenizer-model-unsupported'],
    ['with an empty vocabulary', () => wordPiece({}), 'tokenizer-unknown-token'],
    ['with an id that is no number', () => wordPiece({ '[UNK]': 0, a: 'x' }), 'tokenizer-vocabulary'],
    ['with a giant id', () => wordPiece({ '[UNK]': 0, a: 4_000_000_000 }), 'tokenizer-vocabulary'],
    ['with one id for two tokens', () => wordPiece({ '[UNK]': 0, a: 1, b: 1 }), 'tokenizer-id-twice'],
    ['without its unknown token', () => wordPiece({ a: 1 }), 'tokenizer-unknown-token'],
    ['with a list as vocabulary', () => wordPiece(['a']), 'tokenizer-vocabulary'],
    ['with bad merges', () => ({ ...good(), model: { ...good()['model'], merges: ['a'] } }), 'tokenizer-merges'],
    [
      'whose added token takes a taken id',
      () => ({ ...good(), added_tokens: [{ id: 7, content: '<new>', special: true }] }),
      'tokenizer-id-twice',
    ],
    ['with an unknown normalizer', () => ({ ...good(), normalizer: { type: 'Magic' } }), 'tokenizer-unsupported'],
    [
      'with a broken pattern',
      () => ({
        ...good(),
        pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated', invert: false },
      }),
      'tokenizer-unsupported',
    ],
    [
      'whose template names an unknown token',
      () => ({
        ...good(),
        post_processor: {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '[X]', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
          special_tokens: {},
        },
      }),
      'tokenizer-template',
    ],
    [
      'whose template forgets the text',
      () => ({
        ...good(),
        post_processor: { type: 'TemplateProcessing', single: [], pair: [], special_tokens: {} },
      }),
      'tokenizer-template',
    ],
  ])('%s is refused', (name, content, code) => {
    const found = refusalOf(folders.make(name.replaceAll(' ', '-'), content()));
    expect(found).toMatchObject({ code, severity: 'error' });
    expect(found.where.file).toContain('tokenizer.json');
    expect(found.fix).not.toBe('');
  });

  it('is refused when missing, not UTF-8, or with a broken config', () => {
    expect(refusalOf(join(folders.path, 'nowhere'))).toMatchObject({ code: 'tokenizer-missing', found: 'ENOENT' });
    const folder = folders.make('latin', good());
    writeFileSync(join(folder, 'tokenizer.json'), Buffer.from('{"model":"\xe9"}', 'latin1'));
    expect(refusalOf(folder).code).toBe('tokenizer-encoding');
    const config = folders.make('config', good(), { pad_token: 7 });
    expect(refusalOf(config)).toMatchObject({ code: 'tokenizer-malformed' });
    rmSync(join(config, 'tokenizer_config.json'));
    expect(loadTokenizer(config).padId).toBe(1);
  });

  it('does not reach the prototype of anything', () => {
    const vocab = JSON.parse('{"[UNK]":0,"__proto__":1,"constructor":2,"a":3}') as unknown;
    const tokenizer = loadTokenizer(folders.make('proto', wordPiece(vocab), { __proto__: null, pad_token: '[UNK]' }));
    expect([...tokenizer.encode('a', undefined, 8).ids]).toEqual([3]);
    expect(({} as { pad_token?: unknown }).pad_token).toBeUndefined();
  });

  it('is warned about when parts were never compared with the reference', () => {
    const parts = { ...good(), normalizer: { type: 'Strip', strip_left: true, strip_right: true } };
    const tokenizer = loadTokenizer(folders.make('warned', parts));
    expect(tokenizer.warnings.map((d) => d.code)).toEqual(['tokenizer-part-not-compared']);
  });
});
