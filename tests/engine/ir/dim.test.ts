/** Dimensions: the laws of a commutative ring, one normal form per polynomial, exact division, text that reads back. */
import { describe, expect, it } from 'vitest';
import type { Random } from '../../../engine/base/random.ts';
import {
  addDims,
  divExact,
  evaluateDim,
  isStatic,
  mulDims,
  parseDim,
  productOf,
  subDims,
  substituteDim,
  symbol,
  symbolsOf,
  type Dim,
} from '../../../engine/ir/dim.ts';
import { parseType, printType } from '../../../engine/ir/types.ts';
import { testRandom } from '../../support/arrays.ts';

const NAMES = ['B', 'T', 'A1', 'A', 'r@layers/0/query', 'N.train', '_x'] as const;
const ROUNDS = 300;

/** A sum of up to four terms with coefficients of -3..3, built by the operations themselves. */
function randomDim(random: Random): Dim {
  let sum: Dim = 0;
  const terms = random.below(5);
  for (let i = 0; i < terms; i++) {
    let term: Dim = random.below(7) - 3;
    const degree = random.below(4);
    for (let k = 0; k < degree; k++) term = mulDims(term, symbol(NAMES[random.below(NAMES.length)]!));
    sum = addDims(sum, term);
  }
  return sum;
}

const randomBindings = (random: Random): Map<string, number> => new Map(NAMES.map((n) => [n, random.below(9) - 4]));

function forRandom(law: (a: Dim, b: Dim, c: Dim, random: Random) => void): void {
  for (let round = 0; round < ROUNDS; round++) {
    const random = testRandom('dim', round);
    law(randomDim(random), randomDim(random), randomDim(random), random);
  }
}

describe('ring laws, as equality of normal forms', () => {
  it('addition is commutative and associative with zero and negatives', () => {
    forRandom((a, b, c) => {
      expect(addDims(a, b)).toBe(addDims(b, a));
      expect(addDims(addDims(a, b), c)).toBe(addDims(a, addDims(b, c)));
      expect(addDims(a, 0)).toBe(a);
      expect(subDims(a, a)).toBe(0);
    });
  });

  it('multiplication is commutative, associative, distributive, with one', () => {
    forRandom((a, b, c) => {
      expect(mulDims(a, b)).toBe(mulDims(b, a));
      expect(mulDims(mulDims(a, b), c)).toBe(mulDims(a, mulDims(b, c)));
      expect(mulDims(a, addDims(b, c))).toBe(addDims(mulDims(a, b), mulDims(a, c)));
      expect(mulDims(a, 1)).toBe(a);
      expect(mulDims(a, 0)).toBe(0);
    });
  });

  it('evaluation is a homomorphism', () => {
    forRandom((a, b, _c, random) => {
      const at = randomBindings(random);
      expect(evaluateDim(addDims(a, b), at)).toBe(evaluateDim(a, at) + evaluateDim(b, at));
      expect(evaluateDim(mulDims(a, b), at) - evaluateDim(a, at) * evaluateDim(b, at)).toBe(0);
    });
  });

  it('a polynomial without symbols is a number', () => {
    forRandom((a) => expect(isStatic(a)).toBe(symbolsOf(a).size === 0));
  });
});

describe('exact division', () => {
  it('undoes multiplication', () => {
    forRandom((a, b) => {
      if (b !== 0) expect(divExact(mulDims(a, b), b)).toBe(a);
    });
  });

  it('gives a quotient only when the product is the dividend', () => {
    forRandom((a, b) => {
      const quotient = divExact(a, b);
      if (quotient !== undefined) expect(mulDims(quotient, b)).toBe(a);
    });
  });

  it.each([
    ['12', '4', '3'],
    ['7', '2', undefined],
    ['B*T', 'T', 'B'],
    ['B*T+B', 'T+1', 'B'],
    ['B*T+T', 'B', undefined],
    ['3*B', '2', undefined],
    ['B', '0', undefined],
    ['0', 'B', '0'],
    ['A*A-B*B', 'A-B', 'A+B'],
    ['B', 'B*T', undefined],
  ])('%s / %s = %s', (a, b, want) => {
    expect(divExact(parseDim(a), parseDim(b))).toBe(want === undefined ? undefined : parseDim(want));
  });
});

describe('substitution', () => {
  it('agrees with evaluation', () => {
    forRandom((a, b, _c, random) => {
      const at = randomBindings(random);
      const replaced = substituteDim(a, new Map([['B', b]]));
      const direct = evaluateDim(a, new Map([...at, ['B', evaluateDim(b, at)]]));
      expect(evaluateDim(replaced, at) - direct).toBe(0);
    });
  });
});

describe('text', () => {
  it('reads back to the same normal form', () => {
    forRandom((a) => expect(parseDim(String(a))).toBe(a));
  });

  it.each([
    ['T*B', 'B*T'],
    ['20+T', 'T+20'],
    ['B+B', '2*B'],
    ['B-B', '0'],
    ['-T+B', 'B-T'],
    ['B+B*T+1', 'B*T+B+1'],
    ['2*3', undefined],
  ])('%s is %s', (text, normal) => {
    if (normal === undefined) expect(() => parseDim(text)).toThrow(/normal form/);
    else expect(String(parseDim(text))).toBe(normal);
  });

  it.each(['', '+B', 'B+', 'B++T', '--B', 'B T', 'B*', '*B', '1.5', 'B/0 ', 'é', 'B*2', '2**B', '3B'])(
    'refuses %j',
    (text) => expect(() => parseDim(text)).toThrow(/dimension|normal form/),
  );

  it.each(['1x', '', 'a b', 'a+b', 'a-b', 'a*b'])('%j is no symbol', (name) => {
    expect(() => symbol(name)).toThrow(/not a symbol name/);
  });

  it('names a symbol without a value', () => {
    expect(() => evaluateDim(mulDims(symbol('B'), 3), new Map())).toThrow(/symbol B of dimension 3\*B has no value/);
  });

  it('types read back', () => {
    for (const text of ['f32[]', 'i32[B,T+20,3]', 'bool[2*B*T,1]']) expect(printType(parseType(text))).toBe(text);
    for (const text of ['f32', 'f64[2]', 'f32[B', '[2]']) expect(() => parseType(text)).toThrow(/not a type/);
  });

  it('an empty product is one', () => expect(productOf([])).toBe(1));
});
