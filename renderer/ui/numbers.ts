/** Numbers as a person writes them, and the next one up or down. */
import { fail, ok, type Result } from '../../engine/base/result.ts';

interface Range {
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
}

/** Accepts `8`, `0.5`, `1e-3`, `1,000` and a trailing `%`. */
export function readNumber(text: string, range: Range): Result<number> {
  const plain = text
    .trim()
    .replace(/\s|,(?=\d{3}(\D|$))/g, '')
    .replace(',', '.');
  const percent = plain.endsWith('%');
  const digits = percent ? plain.slice(0, -1) : plain;
  const value = Number(digits) / (percent ? 100 : 1);
  if (digits === '' || !Number.isFinite(value))
    return fail(`"${text.trim()}" is no number. Write it like 8, 0.5 or 1e-3.`);
  if (range.integer && !Number.isInteger(value)) return fail('It must be a whole number.');
  if (value < range.min || value > range.max) return fail(`It must be ${rangeWords(range.min, range.max)}.`);
  return ok(value);
}

export function rangeWords(min: number, max: number): string {
  if (!Number.isFinite(max) || max >= Number.MAX_SAFE_INTEGER) return `at least ${writeNumber(min)}`;
  if (!Number.isFinite(min) || min <= Number.MIN_SAFE_INTEGER) return `at most ${writeNumber(max)}`;
  return `${writeNumber(min)} to ${writeNumber(max)}`;
}

/** The shortest text that reads back as the number: `0.003`, `1e-12`. */
export function writeNumber(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e15) ? value.toExponential() : String(value);
}

interface Stepping extends Range {
  readonly step: number | undefined;
  /** 10 with Shift, 0.1 with Alt. */
  readonly scale: number;
}

/** The next number. Without a step, a fraction moves by one unit of its first digit, so that a rate of 1e-4 moves by 1e-5. */
export function steppedNumber(value: number, direction: 1 | -1, options: Stepping): number {
  const { min, max, integer } = options;
  const magnitude = value === 0 ? 0.1 : 10 ** Math.floor(Math.log10(Math.abs(value)) - 1e-9);
  const natural = options.step ?? (integer ? 1 : Math.min(1, magnitude));
  const step = integer ? Math.max(1, Math.round(natural * options.scale)) : natural * options.scale;
  const next = Number((value + direction * step).toPrecision(12));
  return Math.min(max, Math.max(min, integer ? Math.round(next) : next));
}
