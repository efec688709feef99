/**
 * A strict JSON reader for documents. It differs from `JSON.parse` where that is too kind: it limits size and depth,
 * refuses duplicate and prototype keys and numbers that a double cannot keep, remembers where every object stood in the
 * text, and goes on after such a problem so that all are found at once. It never throws and never recurses deeper than
 * the depth limit. It knows nothing about documents.
 */
import { FORBIDDEN_KEYS } from './ids.ts';

export interface JsonLimits {
  readonly maxDepth: number;
  /** In UTF-16 code units. */
  readonly maxLength: number;
  readonly maxProblems: number;
}

export const DOCUMENT_LIMITS: JsonLimits = { maxDepth: 64, maxLength: 64 * 2 ** 20, maxProblems: 1000 };

export type JsonProblemKind =
  'syntax' | 'too-deep' | 'too-long' | 'duplicate-key' | 'forbidden-key' | 'number-inexact' | 'number-too-large';

export interface JsonProblem {
  readonly kind: JsonProblemKind;
  readonly offset: number;
  /** Keys and indices from the root to the place. */
  readonly path: readonly (string | number)[];
  /** What stands there, short, or for `syntax` what was expected and what stands there instead. */
  readonly found: string;
}

export interface Span {
  readonly start: number;
  readonly end: number;
}

export type SpanOf = (value: object) => Span | undefined;

export interface JsonText {
  /** Missing when the text is no JSON. Of duplicate keys the first one counts. */
  readonly value?: unknown;
  readonly problems: readonly JsonProblem[];
  /** Where an object or array of `value` stood, by identity; `undefined` for any other object. */
  readonly spanOf: SpanOf;
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const WORDS: readonly (readonly [string, unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads `text`. `onValue`, when given, is told the path and offset of every value; it costs time and is meant for a
 * second pass that looks for the lines of problems.
 */
export function parseJsonText(
  text: string,
  limits: JsonLimits = DOCUMENT_LIMITS,
  onValue?: (path: readonly (string | number)[], offset: number) => void,
): JsonText {
  const problems: JsonProblem[] = [];
  const spans = spanRecorder();
  const path: (string | number)[] = [];
  /** Set by the first fault after which the rest of the text has no meaning; every loop ends on it. */
  let stopped = false;
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;

  const report = (kind: JsonProblemKind, offset: number, found: string): void => {
    if (problems.length < limits.maxProblems) problems.push({ kind, offset, path: [...path], found });
  };
  const stop = (kind: JsonProblemKind, offset: number, found: string): undefined => {
    if (!stopped) report(kind, offset, found);
    stopped = true;
    return undefined;
  };
  const unexpected = (expected: string): undefined =>
    stop('syntax', at, `expected ${expected}, found ${glimpse(text, at)}`);

  const skipSpace = (): void => {
    for (; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
    }
  };

  const readString = (): string | undefined => {
    const start = at;
    let escaped = false;
    // Most strings are short and plain, so this loop is the whole cost of a document.
    for (at++; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) {
        at++;
        return escaped ? unescape(start, at) : text.slice(start + 1, at - 1);
      }
      if (c < 0x20) return unexpected('an escape such as \\n instead of a raw control character in a string');
      if (c === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    at = text.length;
    return stop('syntax', start, 'a string that never ends');
  };

  const unescape = (start: number, end: number): string | undefined => {
    try {
      return JSON.parse(text.slice(start, end)) as string;
    } catch {
      return stop('syntax', start, `a string with a wrong escape: ${shorten(text.slice(start, end))}`);
    }
  };

  const readNumber = (): number | undefined => {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (match === null) return unexpected('a value');
    const digits = match[0];
    const value = Number(digits);
    if (!Number.isFinite(value)) report('number-too-large', at, shorten(digits));
    else if (
      match[1] === undefined &&
      match[2] === undefined &&
      !Number.isSafeInteger(value) &&
      !isExact(digits, value)
    ) {
      report('number-inexact', at, shorten(digits));
    }
    at += digits.length;
    if (!Number.isFinite(value)) return Math.sign(value) * Number.MAX_VALUE;
    return value === 0 ? 0 : value;
  };

  const readWord = (): unknown => {
    for (const [word, value] of WORDS) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    return unexpected('a value');
  };

  const readArray = (depth: number): readonly unknown[] => {
    const start = at++;
    const items: unknown[] = [];
    skipSpace();
    if (text[at] !== ']') {
      while (!stopped) {
        path.push(items.length);
        items.push(readValue(depth));
        path.pop();
        skipSpace();
        if (stopped || text[at] !== ',') break;
        at++;
      }
      if (!stopped && text[at] !== ']') unexpected('"," or "]"');
    }
    at++;
    spans.record(items, start, at);
    return items;
  };

  const readMember = (object: Record<string, unknown>, depth: number): void => {
    skipSpace();
    if (text.charCodeAt(at) !== QUOTE) return unexpected('a key in double quotes');
    const keyAt = at;
    const key = readString();
    if (key === undefined) return;
    skipSpace();
    if (text[at] !== ':') return unexpected('":" after the key');
    at++;
    path.push(key);
    if (FORBIDDEN_KEYS.has(key)) report('forbidden-key', keyAt, JSON.stringify(key));
    else if (Object.hasOwn(object, key)) report('duplicate-key', keyAt, shorten(JSON.stringify(key)));
    const value = readValue(depth);
    if (!FORBIDDEN_KEYS.has(key) && !Object.hasOwn(object, key)) object[key] = value;
    path.pop();
    skipSpace();
  };

  const readObject = (depth: number): Record<string, unknown> => {
    const start = at++;
    // A plain object is safe, because the only key that could reach its prototype is refused before it is set.
    const object: Record<string, unknown> = {};
    skipSpace();
    if (text[at] !== '}') {
      while (!stopped) {
        readMember(object, depth);
        if (stopped || text[at] !== ',') break;
        at++;
      }
      if (!stopped && text[at] !== '}') unexpected('"," or "}"');
    }
    at++;
    spans.record(object, start, at);
    return object;
  };

  const readValue = (depth: number): unknown => {
    skipSpace();
    onValue?.(path, at);
    const c = text[at];
    if (c === '{' || c === '[') {
      if (depth === limits.maxDepth) return stop('too-deep', at, `more than ${limits.maxDepth} levels`);
      return c === '{' ? readObject(depth + 1) : readArray(depth + 1);
    }
    if (c === '"') return readString();
    if (c === '-' || (c !== undefined && c >= '0' && c <= '9')) return readNumber();
    return readWord();
  };

  if (text.length > limits.maxLength) {
    stop('too-long', 0, `${text.length} characters`);
    return { problems, spanOf: spans.spanOf };
  }
  const value = readValue(0);
  skipSpace();
  if (!stopped && at < text.length) unexpected('the end of the file');
  return { ...(stopped ? {} : { value }), problems, spanOf: spans.spanOf };
}

/** Records spans as they come and builds the look-up only when someone asks: most documents have neither problems nor unknown nodes. */
function spanRecorder(): { record: (value: object, start: number, end: number) => void; spanOf: SpanOf } {
  const values: object[] = [];
  const ends: number[] = [];
  let index: Map<object, Span> | undefined;
  return {
    record: (value, start, end) => {
      values.push(value);
      ends.push(start, end);
    },
    spanOf: (value) => {
      index ??= new Map(values.map((v, i) => [v, { start: ends[2 * i] ?? 0, end: ends[2 * i + 1] ?? 0 }]));
      return index.get(value);
    },
  };
}

/** Whether the double nearest to an integer literal is that integer; a literal of over 400 digits never is. */
const isExact = (digits: string, value: number): boolean => digits.length <= 400 && BigInt(digits) === BigInt(value);

function glimpse(text: string, at: number): string {
  if (at >= text.length) return 'the end of the file';
  const [character = ''] = text.slice(at, at + 2);
  return JSON.stringify(character);
}

const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** A function from an offset to its line, counted from 1; the lines are looked up once, on the first call. */
export function lineFinder(text: string): (offset: number) => number {
  let starts: number[] | undefined;
  return (offset) => {
    if (starts === undefined) {
      starts = [0];
      for (let i = text.indexOf('\n'); i !== -1; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
    }
    let low = 0;
    for (let high = starts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
