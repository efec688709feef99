/**
 * Dimensions: an integer, or a polynomial with integer coefficients over named symbols (`B`, `T`, `B*T`, `T+20`).
 * A polynomial is kept as its printed normal form, so that equality is `===` and types stay plain data. There is exact
 * division only. Bounds and packed layouts belong to the symbol (`SymbolDecl`), not to the expression.
 */
import { BugError } from '../base/errors.ts';
import type { Brand } from '../base/brand.ts';

export type DimExpr = Brand<string, 'DimExpr'>;
export type Dim = number | DimExpr;
export type SymbolBindings = ReadonlyMap<string, number>;

/** A named size. A symbol with `packs` is the number of real tokens of a padded pair of axes: `N <= B*T`. */
export interface SymbolDecl {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The layout tag: the padded axes that this axis packs. Two packings are two symbols and never mix. */
  readonly packs?: readonly [string, string];
}

/** Monomial (`B*T`, symbols sorted; `''` for the constant) to its coefficient; no zero coefficients. */
type Terms = ReadonlyMap<string, number>;

const DIM = /^-?[^+-]+(?:[+-][^+-]+)*$/;
const SYMBOL = /^[A-Za-z_][\w@/.:]*$/;
const parsed = new Map<string, Terms>();

export function symbol(name: string): Dim {
  if (!SYMBOL.test(name)) throw new BugError(`"${name}" is not a symbol name`);
  return name as DimExpr;
}

export function isStatic(d: Dim): d is number {
  return typeof d === 'number';
}

function termsOf(d: Dim): Terms {
  if (typeof d === 'number') return d === 0 ? new Map() : new Map([['', d]]);
  const known = parsed.get(d);
  if (known) return known;
  if (!DIM.test(d)) throw new BugError(`"${d}" is not a dimension`);
  const terms = new Map<string, number>();
  for (const [, sign, body] of d.matchAll(/([+-]?)([^+-]+)/g)) {
    const factors = (body ?? '').split('*');
    const first = factors[0] ?? '';
    const coefficient = /^\d+$/.test(first) ? Number(first) : 1;
    const symbols = /^\d+$/.test(first) ? factors.slice(1) : factors;
    for (const s of symbols) if (!SYMBOL.test(s)) throw new BugError(`dimension "${d}" is not in normal form`);
    addTo(terms, symbols.sort().join('*'), sign === '-' ? -coefficient : coefficient);
  }
  parsed.set(d, terms);
  return terms;
}

function addTo(terms: Map<string, number>, monomial: string, coefficient: number): void {
  const sum = (terms.get(monomial) ?? 0) + coefficient;
  if (sum === 0) terms.delete(monomial);
  else terms.set(monomial, sum);
}

const degree = (monomial: string): number => (monomial === '' ? 0 : monomial.split('*').length);

/** Normal form: higher degree first, then by name, the constant last. */
function fromTerms(terms: Terms): Dim {
  if (terms.size === 0) return 0;
  const only = terms.get('');
  if (terms.size === 1 && only !== undefined) return only;
  const sorted = [...terms].sort(([a], [b]) => degree(b) - degree(a) || (a < b ? -1 : 1));
  const text = sorted
    .map(([monomial, c], i) => {
      const sign = c < 0 ? '-' : i === 0 ? '' : '+';
      const size = Math.abs(c);
      if (monomial === '') return `${sign}${size}`;
      return size === 1 ? `${sign}${monomial}` : `${sign}${size}*${monomial}`;
    })
    .join('');
  return text as DimExpr;
}

/** Parses a printed dimension; throws a `BugError` on anything else. */
export function parseDim(text: string): Dim {
  if (/^-?\d+$/.test(text)) return Number(text);
  return fromTerms(termsOf(text as DimExpr));
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const sum = new Map(termsOf(a));
  for (const [m, c] of termsOf(b)) addTo(sum, m, c);
  return fromTerms(sum);
}

export function mulDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a * b + 0; // 0 * -1 is 0, not -0
  const product = new Map<string, number>();
  for (const [ma, ca] of termsOf(a)) for (const [mb, cb] of termsOf(b)) addTo(product, joinMonomials(ma, mb), ca * cb);
  return fromTerms(product);
}

const joinMonomials = (a: string, b: string): string =>
  a === '' ? b : b === '' ? a : [...a.split('*'), ...b.split('*')].sort().join('*');

export const subDims = (a: Dim, b: Dim): Dim => addDims(a, mulDims(-1, b));

export const productOf = (dims: readonly Dim[]): Dim => dims.reduce<Dim>((p, d) => mulDims(p, d), 1);

/** Exact quotient a / b by polynomial long division, or `undefined` when b does not divide a. */
export function divExact(a: Dim, b: Dim): Dim | undefined {
  const divisor = [...termsOf(b)].sort(([x], [y]) => degree(y) - degree(x) || (x < y ? -1 : 1));
  const lead = divisor[0];
  if (!lead) return undefined;
  const rest = new Map(termsOf(a));
  const quotient = new Map<string, number>();
  while (rest.size > 0) {
    const next = [...rest].sort(([x], [y]) => degree(y) - degree(x) || (x < y ? -1 : 1))[0] as [string, number];
    const monomial = divideMonomial(next[0], lead[0]);
    const coefficient = next[1] / lead[1];
    if (monomial === undefined || !Number.isInteger(coefficient)) return undefined;
    addTo(quotient, monomial, coefficient);
    for (const [m, c] of divisor) addTo(rest, joinMonomials(monomial, m), -c * coefficient);
  }
  return fromTerms(quotient);
}

function divideMonomial(a: string, b: string): string | undefined {
  const left = a === '' ? [] : a.split('*');
  for (const s of b === '' ? [] : b.split('*')) {
    const at = left.indexOf(s);
    if (at < 0) return undefined;
    left.splice(at, 1);
  }
  return left.join('*');
}

export function symbolsOf(d: Dim): Set<string> {
  const names = new Set<string>();
  for (const m of termsOf(d).keys()) if (m !== '') for (const s of m.split('*')) names.add(s);
  return names;
}

/** Replaces symbols by dimensions. */
export function substituteDim(d: Dim, by: ReadonlyMap<string, Dim>): Dim {
  if (typeof d === 'number') return d;
  let sum: Dim = 0;
  for (const [m, c] of termsOf(d)) {
    let term: Dim = c;
    if (m !== '') for (const s of m.split('*')) term = mulDims(term, by.get(s) ?? (s as DimExpr));
    sum = addDims(sum, term);
  }
  return sum;
}

export function evaluateDim(d: Dim, bindings: SymbolBindings): number {
  if (typeof d === 'number') return d;
  let sum = 0;
  for (const [m, c] of termsOf(d)) {
    let term = c;
    if (m !== '') {
      for (const s of m.split('*')) {
        const value = bindings.get(s);
        if (value === undefined) throw new BugError(`symbol ${s} of dimension ${d} has no value`);
        term *= value;
      }
    }
    sum += term;
  }
  return sum;
}
