/** The strict JSON reader: what it takes, what it refuses, and that hostile texts cost little. */
import { describe, expect, it } from 'vitest';
import { DOCUMENT_LIMITS, lineFinder, parseJsonText } from '../../../engine/protocol/jsonText.ts';

const kinds = (text: string) => parseJsonText(text).problems.map((p) => p.kind);

describe('valid texts', () => {
  const texts = [
    '{}',
    '[]',
    ' [1, -2.5e3 , "a\\u00e9\\n", true,false,null]\n',
    '{"a":{"b":[{"c":1}]},"":0,"x y":"😀"}',
    '"\\ud800"',
    '-12',
    '[[[]]]',
    '{"toString":1,"hasOwnProperty":2}',
  ];
  it.each(texts)('%s gives what JSON.parse gives', (text) => {
    const parsed = parseJsonText(text);
    expect(parsed.problems).toEqual([]);
    expect(parsed.value).toEqual(JSON.parse(text));
  });

  it('reads a text behind a byte order mark', () => {
    expect(parseJsonText('\ufeff[1]').value).toEqual([1]);
  });

  it('reads negative zero as zero, so that text and value agree', () => {
    expect(Object.is(parseJsonText('-0.0').value, 0)).toBe(true);
  });

  it('remembers where objects stood', () => {
    const text = ' {"a": [1, {"b":2}]}';
    const { value, spanOf } = parseJsonText(text);
    const inner = (value as { a: object[] }).a;
    expect(text.slice(spanOf(inner)?.start, spanOf(inner)?.end)).toBe('[1, {"b":2}]');
    const last = inner[1] ?? {};
    expect(text.slice(spanOf(last)?.start, spanOf(last)?.end)).toBe('{"b":2}');
    expect(spanOf({})).toBeUndefined();
  });
});

describe('wrong texts', () => {
  const wrong = [
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    "{'a':1}",
    '[1 2]',
    '01',
    '1.',
    '.5',
    '+1',
    'nul',
    'NaN',
    'Infinity',
    '"abc',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '"\\',
    '[1] x',
    '{"a":1}}',
    '// c\n1',
    '\u00a01',
    '{"a":}',
    '[',
    '{"a":[}',
  ];
  it.each(wrong)('%j is one syntax problem', (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow();
    const parsed = parseJsonText(text);
    expect(parsed.problems.map((p) => p.kind)).toEqual(['syntax']);
    expect('value' in parsed).toBe(false);
  });

  it('says what was expected, what is there, and where', () => {
    const [problem] = parseJsonText('{"models": {"m": [1, 2;').problems;
    expect(problem).toMatchObject({ path: ['models', 'm'], found: 'expected "," or "]", found ";"', offset: 22 });
  });

  it('agrees with JSON.parse on every prefix and every changed character of a text', () => {
    const text = '{"a":[1,-2.5e+3,"x\\n\\u0041"],"b":{"c":null,"d":[true,false,{}]}}';
    const accepts = (t: string): boolean => {
      try {
        JSON.parse(t);
        return true;
      } catch {
        return false;
      }
    };
    const strange = ['', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', ' ', '\n', 'é'];
    for (let i = 0; i <= text.length; i++) {
      expect('value' in parseJsonText(text.slice(0, i)), text.slice(0, i)).toBe(accepts(text.slice(0, i)));
      for (const s of strange) {
        const changed = text.slice(0, i) + s + text.slice(i + 1);
        expect('value' in parseJsonText(changed), changed).toBe(accepts(changed));
      }
    }
  });
});

describe('what JSON.parse lets through', () => {
  it('reports every duplicate key and keeps the first value', () => {
    const parsed = parseJsonText('{"a":1,"a":2,"b":{"c":1,"c":1},"\\u0061":3}');
    expect(parsed.problems.map((p) => [p.kind, p.found, p.path])).toEqual([
      ['duplicate-key', '"a"', ['a']],
      ['duplicate-key', '"c"', ['b', 'c']],
      ['duplicate-key', '"a"', ['a']],
    ]);
    expect(parsed.value).toEqual({ a: 1, b: { c: 1 } });
  });

  it('refuses prototype keys, escaped ones too, and never sets them', () => {
    const parsed = parseJsonText('{"__proto__":{"x":1},"\\u005f_proto__":1,"a":{"constructor":1,"prototype":2}}');
    expect(parsed.problems.map((p) => p.kind)).toEqual(Array.from({ length: 4 }, () => 'forbidden-key'));
    expect(Object.keys(parsed.value as object)).toEqual(['a']);
    expect((parsed.value as { x?: number }).x).toBeUndefined();
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('refuses integers that a double cannot keep, and numbers beyond its range', () => {
    expect(kinds('[9007199254740992, 9007199254740993, -9007199254740993, 1e30, 100000000000000000000]')).toEqual([
      'number-inexact',
      'number-inexact',
    ]);
    expect(kinds('[1e308, 1e309, -1e999]')).toEqual(['number-too-large', 'number-too-large']);
    expect(kinds(`[1${'0'.repeat(100_000)}]`)).toEqual(['number-too-large']);
  });

  it('allows 64 levels and not 65', () => {
    expect(kinds('['.repeat(64) + ']'.repeat(64))).toEqual([]);
    expect(kinds('['.repeat(65) + ']'.repeat(65))).toEqual(['too-deep']);
  });
});

describe('hostile texts', () => {
  it('stops at 20,000 and at 1,000,000 levels without overflow', () => {
    for (const levels of [20_000, 1_000_000]) {
      expect(kinds('{"a":'.repeat(levels))).toEqual(['too-deep']);
      expect(kinds('['.repeat(levels) + ']'.repeat(levels))).toEqual(['too-deep']);
    }
  });

  it('refuses a text over the size limit without reading it', () => {
    expect(kinds(' '.repeat(DOCUMENT_LIMITS.maxLength + 1))).toEqual(['too-long']);
  });

  it('stops counting problems', () => {
    const text = `[${Array.from({ length: 5000 }, () => '{"a":1,"a":1}').join(',')}]`;
    expect(parseJsonText(text).problems).toHaveLength(DOCUMENT_LIMITS.maxProblems);
  });
});

describe('lines', () => {
  it('are counted from one', () => {
    const lineAt = lineFinder('a\nbc\n\nd');
    expect([0, 1, 2, 4, 5, 6, 99].map(lineAt)).toEqual([1, 1, 2, 2, 3, 4, 4]);
  });
});
