/**
 * A strict reader of JSON bytes, for headers and indexes that come from strangers. Stricter than `JSON.parse`:
 * duplicate keys are refused at every level, integers beyond 2^53 - 1 too, UTF-8 must be valid, strings must have no
 * lone surrogates, and depth is bounded. The grammar is driven by the caller, who asks for the value that must come
 * next, so that no tree is built. It leaves out building values: `readStrictJson` (jsonFile.ts) checks with it and
 * then parses.
 */
import { UserError } from '../base/errors.ts';
import { printName, problemAt } from './refusal.ts';

/** Depth at which `structuredClone` and `JSON.stringify` are still far from the end of the stack. */
const DEEPEST = 64;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LONE_SURROGATE = /\p{Surrogate}/u;

export type JsonFault = 'json' | 'utf8' | 'duplicate-key' | 'integer' | 'structure';

export class JsonCursor {
  private readonly bytes: Buffer;
  private readonly file: string;
  private readonly area: string;
  private readonly origin: number;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private at = 0;

  /**
   * @param area prefix of the diagnostic codes, e.g. `safetensors`.
   * @param origin offset of `bytes` in the file, so that faults name positions in the file.
   */
  constructor(bytes: Uint8Array, file: string, area: string, origin = 0) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.file = file;
    this.area = area;
    this.origin = origin;
  }

  get position(): number {
    return this.at;
  }

  /** Reads an object and calls `visit` at each value; `visit` must read exactly that value. */
  object(what: string, visit: (key: string) => void): void {
    this.open('{', what, 'an object');
    const seen = new Set<string>();
    if (this.closes('}')) return;
    do {
      this.space();
      if (this.peek() !== QUOTE) this.syntax(`a key of ${what}`);
      const key = this.string(`a key of ${what}`);
      if (seen.has(key)) {
        this.fault('duplicate-key', `The key ${printName(key)} stands twice in ${what}.`);
      }
      seen.add(key);
      this.space();
      this.take(':', `":" after the key ${printName(key)} in ${what}`);
      visit(key);
    } while (this.continues('}', what));
  }

  /** Reads an array and calls `visit` at each value with its index; `visit` must read exactly that value. */
  array(what: string, visit: (index: number) => void): void {
    this.open('[', what, 'an array');
    if (this.closes(']')) return;
    let index = 0;
    do {
      visit(index);
      index++;
    } while (this.continues(']', what));
  }

  /** Reads a string. */
  string(what: string): string {
    this.space();
    if (this.peek() !== QUOTE) this.wrongKind(what, 'a string');
    const start = ++this.at;
    let plain = true;
    for (;;) {
      const byte = this.peek();
      if (byte === QUOTE) break;
      if (byte < 0x20)
        this.syntax(byte === -1 ? `the closing quote of ${what}` : `an escape for a control character in ${what}`);
      if (byte >= 0x80) plain = false;
      if (byte === BACKSLASH) {
        plain = false;
        this.at++;
        if (this.peek() === -1) this.syntax(`the closing quote of ${what}`);
      }
      this.at++;
    }
    const end = this.at++;
    return plain ? this.bytes.toString('latin1', start, end) : this.unescape(start, end, what);
  }

  /** Reads an integer from 0 to 2^53 - 1, written without sign, fraction or exponent. */
  integer(what: string): number {
    this.space();
    const start = this.at;
    if (!isDigit(this.peek())) this.wrongKind(what, 'a whole number that is 0 or more');
    let value = 0;
    while (isDigit(this.peek())) value = value * 10 + (this.bytes[this.at++]! - 0x30);
    const next = this.peek();
    if (next === 0x2e || next === 0x45 || next === 0x65) {
      this.fault('structure', `${what} must be a whole number without fraction or exponent.`, this.here(start), start);
    }
    if (this.bytes[start] === 0x30 && this.at - start > 1) this.syntax(`${what} without leading zeros`, start);
    if (value > Number.MAX_SAFE_INTEGER) {
      this.fault(
        'integer',
        `${what} is larger than 2^53 - 1.`,
        this.bytes.toString('latin1', start, Math.min(this.at, start + 40)),
      );
    }
    return value;
  }

  /** Checks any one value, without building it. */
  skip(what: string, depth = 0): void {
    this.space();
    const byte = this.peek();
    if (depth >= DEEPEST) this.fault('structure', `${what} is nested deeper than ${DEEPEST} levels.`);
    if (byte === 0x7b) this.object(what, () => this.skip(what, depth + 1));
    else if (byte === 0x5b) this.array(what, () => this.skip(what, depth + 1));
    else if (byte === QUOTE) this.string(what);
    else this.scalar(what);
  }

  /** Requires that nothing but `padding` follows. */
  end(padding: readonly number[], what: string): void {
    while (padding.includes(this.peek())) this.at++;
    if (this.at < this.bytes.length) this.syntax(`the end of ${what}`);
  }

  /** Refuses at the present place. `found` defaults to the bytes that stand here. */
  fault(kind: JsonFault, message: string, found?: string, at = this.at): never {
    throw new UserError(
      problemAt(
        { file: this.file },
        {
          code: `${this.area}-${kind}`,
          message: message.replace(/\.$/, ` (at byte ${this.origin + at} of the file).`),
          ...(found === undefined ? {} : { found }),
          fix: 'The file was damaged or written by a faulty program: download it again, or save it again with the library that made it.',
        },
      ),
    );
  }

  private peek(): number {
    return this.at < this.bytes.length ? this.bytes[this.at]! : -1;
  }

  private space(): void {
    while (isSpace(this.peek())) this.at++;
  }

  private take(char: string, what: string): void {
    if (this.peek() !== char.charCodeAt(0)) this.syntax(what);
    this.at++;
  }

  private open(char: string, what: string, kind: string): void {
    this.space();
    if (this.peek() !== char.charCodeAt(0)) this.wrongKind(what, kind);
    this.at++;
  }

  private closes(char: string): boolean {
    this.space();
    if (this.peek() !== char.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  private continues(close: string, what: string): boolean {
    if (this.closes(close)) return false;
    this.take(',', `"," or "${close}" in ${what}`);
    return true;
  }

  private unescape(start: number, end: number, what: string): string {
    const raw = this.decode(start, end, what);
    if (!raw.includes('\\')) return raw;
    const text = parseEscapes(raw);
    if (text === undefined) this.syntax(`a valid escape in ${what}`, start);
    if (LONE_SURROGATE.test(text)) this.fault('json', `${what} has half of a surrogate pair.`, printName(text), start);
    return text;
  }

  private decode(start: number, end: number, what: string): string {
    try {
      return this.decoder.decode(this.bytes.subarray(start, end));
    } catch {
      return this.fault('utf8', `${what} is not valid UTF-8.`, undefined, start);
    }
  }

  private scalar(what: string): void {
    const rest = this.bytes.toString('latin1', this.at, this.at + 400);
    const match = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/.exec(rest);
    if (match === null) this.syntax(`a value of ${what}`);
    this.at += match[0].length;
  }

  /** A value of another kind is a fault of structure; bytes that start no value are a fault of syntax. */
  private wrongKind(what: string, expected: string): never {
    const byte = this.peek();
    if (byte !== -1 && '{["-0123456789tfn'.includes(String.fromCharCode(byte))) {
      this.fault('structure', `${what} must be ${expected}.`, this.here());
    }
    return this.syntax(`${expected} for ${what}`);
  }

  private syntax(expected: string, at = this.at): never {
    const found = at < this.bytes.length ? this.here(at) : 'the end';
    return this.fault('json', `The JSON is broken: expected ${expected}.`, found, at);
  }

  private here(at = this.at): string {
    return JSON.stringify(this.bytes.toString('latin1', at, at + 16));
  }
}

export const SPACES: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/**
 * The text of a string body whose quotes and control characters are checked already; undefined when an escape is
 * invalid.
 */
function parseEscapes(raw: string): string | undefined {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return undefined;
  }
}
