/** Lines of a source map: enough to say in which line of the source an error arose. */

/** The line of the source, from 1, that a line of the code, from 1, was made of. */
export type LineMap = (line: number) => number | undefined;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The numbers of one segment: base 64, five bits a digit, the lowest bit of the first is the sign. */
function decode(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}

export function readLineMap(text: string): LineMap {
  const { mappings = '' } = JSON.parse(text) as { readonly mappings?: string };
  const lines = new Map<number, number>();
  let source = 0;
  mappings.split(';').forEach((segments, index) => {
    for (const segment of segments === '' ? [] : segments.split(',')) {
      source += decode(segment)[2] ?? 0;
      if (!lines.has(index + 1)) lines.set(index + 1, source + 1);
    }
  });
  return (line) => lines.get(line);
}
