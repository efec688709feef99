/**
 * Reading what a person typed into a field: the value that the parameter takes, or the reason in words why it takes none.
 * A refused value never reaches the document; the compiler checks again.
 */
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import type { ParamInfo } from '../../../engine/protocol/api/catalog.ts';
import type { PlainValue } from '../../../engine/protocol/params.ts';

/** Bounds that a specification leaves open are the largest numbers there are; they are not worth showing. */
const OPEN = 2 ** 31 - 1;
export const isOpen = (bound: number): boolean => Math.abs(bound) >= OPEN;

const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** `1 to 4096`, `0 or more`, `at most 1`; empty when both ends are open. */
export function rangeWords(info: ParamInfo): string {
  if (info.kind !== 'int' && info.kind !== 'number') return '';
  const low = isOpen(info.min) ? undefined : short(info.min);
  const high = isOpen(info.max) ? undefined : short(info.max);
  if (low !== undefined && high !== undefined) return `${low} to ${high}`;
  if (low !== undefined) return `${low} or more`;
  return high === undefined ? '' : `at most ${high}`;
}

/** A number as people write it: no long tails of digits, no needless exponent. */
export function short(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value);
  const text = String(value);
  return text.length <= 8 ? text : String(Number(value.toPrecision(6)));
}

/** The value of a field's text. */
export function readText(info: ParamInfo, text: string): Result<PlainValue> {
  switch (info.kind) {
    case 'int':
    case 'number': {
      const trimmed = text.trim().replace(',', '.');
      return NUMBER.test(trimmed) ? readValue(info, Number(trimmed)) : fail('Give a number.');
    }
    case 'bool':
      return readValue(info, text === 'true' ? true : text === 'false' ? false : text);
    case 'list':
      return ok(
        text
          .split(/[,\n]/)
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      );
    case 'choice':
    case 'text':
    case 'path':
    case 'backbone':
      return readValue(info, text);
  }
}

/** Whether a value fits a parameter. */
export function readValue(info: ParamInfo, value: PlainValue): Result<PlainValue> {
  switch (info.kind) {
    case 'int':
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value)) return fail('Give a number.');
      if (info.kind === 'int' && !Number.isInteger(value)) return fail('Give a whole number.');
      if (value < info.min || value > info.max) return fail(`Give ${numberWords(info)}.`);
      return ok(value === 0 ? 0 : value);
    }
    case 'bool':
      return typeof value === 'boolean' ? ok(value) : fail('Choose on or off.');
    case 'choice':
      return typeof value === 'string' && info.choices.includes(value)
        ? ok(value)
        : fail(`Choose one of ${info.choices.join(', ')}.`);
    case 'list':
      return Array.isArray(value) ? ok(value) : fail('Give a list.');
    case 'text':
    case 'path':
    case 'backbone':
      return typeof value === 'string' ? ok(value) : fail('Give a text.');
  }
}

const numberWords = (info: ParamInfo): string => {
  const range = rangeWords(info);
  const kind = info.kind === 'int' ? 'a whole number' : 'a number';
  return range === '' ? kind : `${kind}, ${range}`;
};

/** How a value is written in a field or a cell. */
export const valueText = (value: PlainValue): string => {
  if (typeof value === 'number') return short(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return typeof value === 'string' ? value : value.join(', ');
};

/** A slider helps for a probability or a share; numbers close to 1 (moments) and open ones have a field alone. */
export const hasSlider = (info: ParamInfo): info is ParamInfo & { readonly kind: 'number' } =>
  info.kind === 'number' && !isOpen(info.min) && !isOpen(info.max) && info.max - info.min <= 1 && info.default <= 0.5;

/** The step of a field's arrows and of a slider. */
export function stepOf(info: ParamInfo): number {
  if (info.kind === 'int') return 1;
  if (info.kind !== 'number') return 1;
  if (hasSlider(info)) return 0.01;
  const size = Math.abs(info.default);
  return size === 0 ? 0.1 : 10 ** Math.floor(Math.log10(size) - (size < 1 ? 0 : 1));
}
