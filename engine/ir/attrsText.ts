/** Attributes and names as JSON within a printed program. JSON has no infinities and loses the sign of zero: both are spelled out. */

interface SpelledNumber {
  readonly $number: string;
}

const isPlain = (x: number): boolean => Number.isFinite(x) && !Object.is(x, -0);

export const printAttrs = (value: unknown): string =>
  JSON.stringify(value, (_key, x: unknown) =>
    typeof x === 'number' && !isPlain(x) ? { $number: Object.is(x, -0) ? '-0' : String(x) } : x,
  );

export const parseAttrs = (text: string): unknown =>
  JSON.parse(text, (_key, x: unknown) =>
    typeof x === 'object' && x !== null && '$number' in x ? Number((x as SpelledNumber).$number) : x,
  ) as unknown;
