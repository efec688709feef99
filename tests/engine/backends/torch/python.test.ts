/** The Python printer by itself: names and texts in the only two ways in, numbers, precedence, line breaks. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Namer } from '../../../../engine/backends/torch/python/identifiers.ts';
import {
  docstring,
  formatLiteral,
  numberLiteral,
  stringLiteral,
} from '../../../../engine/backends/torch/python/literals.ts';
import { printStatement } from '../../../../engine/backends/torch/python/print.ts';
import {
  binary,
  call,
  dotted,
  fill,
  float,
  integer,
  invoke,
  name,
  type BinaryOp,
  type Expr,
} from '../../../../engine/backends/torch/python/syntax.ts';
import { must } from '../../../../engine/base/errors.ts';
import type { Random } from '../../../../engine/base/random.ts';
import { testRandom } from '../../../support/arrays.ts';
import { oraclePython } from '../../../support/oracle.ts';

/** What Python makes of some literals or expressions. */
function evaluated(expressions: readonly string[]): readonly unknown[] {
  const code =
    'import ast, json, sys; print(json.dumps([eval(e, {"__builtins__": {"float": float}}) for e in json.load(sys.stdin)]))';
  const done = spawnSync(oraclePython(), ['-c', code], { input: JSON.stringify(expressions), encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as unknown[];
}

const PIECES = [
  '"',
  "'",
  '"""',
  '\\',
  '\n',
  '\r',
  '\t',
  '\0',
  '\x7f',
  'é',
  '漢',
  '😀',
  '\u202e',
  '\u2028',
  '{',
  '}',
  '{x}',
  '#',
  'a',
  ' ',
  '%s',
  '\\N{DASH}',
  '\\x41',
  'exit()',
];
const texts = (count: number): string[] => {
  const random = testRandom('literals');
  return Array.from({ length: count }, () =>
    Array.from({ length: random.below(8) }, () => must(PIECES[random.below(PIECES.length)], 'a piece')).join(''),
  );
};

describe('literals', () => {
  test('every text comes out of Python as it went in, in ASCII', () => {
    const all = [...PIECES, ...texts(300)];
    const literals = all.map(stringLiteral);
    expect(evaluated(literals)).toEqual(all);
    expect(literals.filter((l) => !/^[\x20-\x7e]*$/.test(l))).toEqual([]);
  });

  test('an f-string keeps what is no name', () => {
    const all = texts(200);
    const x = new Namer('local').mint('x');
    const literals = all.map((t) => formatLiteral([t, { name: x }, t]));
    const code = literals.map((l) => `[${l} for x in ("!",)][0]`);
    expect(evaluated(code)).toEqual(all.map((t) => `${t}!${t}`));
  });

  test('numbers keep their value and show their kind', () => {
    const floats = [0, 1, -0, 0.1, 1e-12, 1e-5, 123456789.5, 1e21, 5e-324, 1.7976931348623157e308, 1 / 3];
    expect(evaluated(floats.map((f) => numberLiteral(f, 'float')))).toEqual(floats.map((f) => f + 0));
    expect(numberLiteral(2, 'float')).toBe('2.0');
    expect(numberLiteral(1e-5, 'float')).toBe('1e-5');
    expect(numberLiteral(Infinity, 'float')).toBe('float("inf")');
    expect(numberLiteral(7, 'int')).toBe('7');
  });

  test('a docstring is one string, whatever stands in it, and no line of it is too long', () => {
    const all = [...texts(300), `${'word '.repeat(60)}\\alpha`, '"', '\\', 'ends with a quote"', 'ends with \\'];
    const docs = all.map((t) => docstring(t, '    ', 88));
    const parsed = evaluated(docs.map((lines) => lines.join('\n    ')));
    expect(parsed.filter((p) => typeof p !== 'string')).toEqual([]);
    const long = docs.flat().filter((l) => l.length + 4 > 88 && l.includes(' '));
    expect(long).toEqual([]);
  });
});

describe('names', () => {
  test.each([
    ['local', 'typeIds', 'type_ids'],
    ['local', 'A', 'a'],
    ['attribute', 'A', 'A'],
    ['attribute', 'query/lora-A', 'query_lora_A'],
    ['class', 'head.linear', 'HeadLinear'],
    ['local', 'lambda', 'lambda_'],
    ['local', 'sum', 'sum_'],
    ['local', 'l', 'l_'],
    ['attribute', 'forward', 'forward_'],
    ['attribute', '__class__', 'class_'],
    ['local', '漢字', 'value'],
    ['local', '4 heads', 'n4_heads'],
    ['class', 'model', 'ModelBlock'],
  ] as const)('%s %s becomes %s', (kind, hint, wanted) => {
    expect(new Namer(kind).mint(hint)).toBe(wanted);
  });

  test('no two names of a scope are one', () => {
    for (const kind of ['local', 'attribute', 'class'] as const) {
      const namer = new Namer(kind);
      const minted = [...texts(400), ...PIECES, 'a', 'a', 'a2', 'a_2', 'a'].map((t) => namer.mint(t));
      expect(new Set(minted).size).toBe(minted.length);
      expect(minted.filter((n) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(n))).toEqual([]);
    }
  });
});

const OPERATORS: readonly BinaryOp[] = ['+', '-', '*', '&', '|', '==', '!=', '<'];

/** A random expression of integers, and what it is. */
function randomExpression(random: Random, depth: number): { readonly expr: Expr; readonly value: number } {
  if (depth === 0 || random.below(5) === 0) {
    const value = random.below(9) - 4;
    return { expr: integer(value), value };
  }
  const part = () => randomExpression(random, depth - 1);
  if (random.below(5) === 0) {
    const { expr, value } = part();
    return random.below(2) === 0
      ? { expr: { kind: 'unary', op: '-', x: expr }, value: -value }
      : { expr: { kind: 'unary', op: '~', x: expr }, value: ~value };
  }
  if (random.below(6) === 0) {
    const [test_, yes, no] = [part(), part(), part()];
    return {
      expr: { kind: 'conditional', test: test_.expr, yes: yes.expr, no: no.expr },
      value: test_.value !== 0 ? yes.value : no.value,
    };
  }
  const [a, b] = [part(), part()];
  const op = must(OPERATORS[random.below(OPERATORS.length)], 'an operator');
  const results = new Map<BinaryOp, number>([
    ['+', a.value + b.value],
    ['-', a.value - b.value],
    ['*', a.value * b.value],
    ['&', a.value & b.value],
    ['|', a.value | b.value],
    ['==', Number(a.value === b.value)],
    ['!=', Number(a.value !== b.value)],
    ['<', Number(a.value < b.value)],
  ]);
  return { expr: binary(op, a.expr, b.expr), value: must(results.get(op), 'a result') };
}

describe('expressions', () => {
  test('parentheses stand where they are needed, however lines break', () => {
    const random = testRandom('expressions');
    const cases = Array.from({ length: 300 }, () => randomExpression(random, 5)).filter(
      (c) => Math.abs(c.value) < 2 ** 30,
    );
    const printed = cases.map((c) => printStatement({ kind: 'return', value: c.expr }).replace('return ', ''));
    expect(evaluated(printed.map((p) => `(${p})`)).map(Number)).toEqual(cases.map((c) => c.value + 0));
  });

  test('a call that is too long breaks as ruff breaks it', () => {
    const long = (n: number): Expr =>
      invoke(
        'torch.cat',
        Array.from({ length: n }, (_, i) => name(new Namer('local').mint(`argument_number_${i}`))),
      );
    expect(printStatement({ kind: 'assign', targets: [dotted('x')], value: long(4) })).toBe(
      'x = torch.cat(\n    argument_number_0, argument_number_1, argument_number_2, argument_number_3\n)',
    );
    expect(printStatement({ kind: 'assign', targets: [dotted('x')], value: long(5) })).toBe(
      `x = torch.cat(\n${[0, 1, 2, 3, 4].map((i) => `    argument_number_${i},\n`).join('')})`,
    );
  });

  test('numbers of nodes that do nothing are left out', () => {
    const x = dotted('x');
    const hole: Expr = { kind: 'hole', hole: 0 };
    const filled = (e: Expr, value: Expr): string => printStatement({ kind: 'return', value: fill(e, () => value) });
    expect(filled(binary('*', x, hole), float(1))).toBe('return x');
    expect(filled(binary('*', x, hole), float(2))).toBe('return x * 2.0');
    expect(filled(binary('+', hole, x), integer(0))).toBe('return x');
    expect(filled(call(dotted('f'), [hole]), float(1))).toBe('return f(1.0)');
  });
});
