/**
 * Python literals. Texts of documents and checkpoints become a `Literal` here or nowhere. Strings are ASCII: everything else
 * is escaped, so that no text can end its literal, hide a direction mark, or read as code.
 */
import type { Brand } from '../../../base/brand.ts';
import { own, type Ident } from './identifiers.ts';

/** Source text of one Python literal. */
export type Literal = Brand<string, 'PythonLiteral'>;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0');

function escapeCharacter(c: string, quote: string): string {
  const known = ESCAPES.get(c);
  if (known !== undefined) return known;
  if (c === quote) return `\\${c}`;
  const code = c.codePointAt(0) as number;
  if (code >= 0x20 && code < 0x7f) return c;
  if (code < 0x100) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

const count = (text: string, c: string): number => text.split(c).length - 1;

/** A string literal, in the quotes that need fewer escapes. */
export function stringLiteral(text: string): Literal {
  const quote = count(text, '"') > count(text, "'") ? "'" : '"';
  return `${quote}${[...text].map((c) => escapeCharacter(c, quote)).join('')}${quote}` as Literal;
}

/** A string literal; where it holds values of names, an f-string. */
export function formatLiteral(parts: readonly (string | { readonly name: Ident })[]): Literal {
  if (parts.every((p) => typeof p === 'string')) return stringLiteral(parts.join(''));
  const inner = parts.map((p) => {
    if (typeof p !== 'string') return `{${p.name}}`;
    const braces = p.replaceAll('{', '{{').replaceAll('}', '}}');
    return [...braces].map((c) => escapeCharacter(c, '"')).join('');
  });
  return `f"${inner.join('')}"` as Literal;
}

/** An integer or float literal; a float always shows that it is one. */
export function numberLiteral(value: number, kind: 'int' | 'float'): Literal {
  if (kind === 'int') return String(Math.trunc(value)) as Literal;
  if (Number.isNaN(value)) return 'float("nan")' as Literal;
  if (!Number.isFinite(value)) return (value > 0 ? 'float("inf")' : 'float("-inf")') as Literal;
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return (/[.e]/.test(text) ? text : `${text}.0`) as Literal;
}

export const booleanName = (value: boolean): Ident => own(value ? 'True' : 'False');

/** Characters that a docstring may show as they are: letters, digits, punctuation, symbols and the plain space. */
const SHOWN = /^[\p{L}\p{N}\p{P}\p{S} ]$/u;

function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ').filter((w) => w !== '')) {
    if (current !== '' && current.length + 1 + word.length > width) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/**
 * A docstring of lines wrapped to `width`, for a place indented by `indent`. It is raw where it holds backslashes (LaTeX)
 * and nothing that a raw literal cannot hold.
 */
export function docstring(text: string, indent: string, width: number): readonly Literal[] {
  const clean = text
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => [...line].map((c) => (SHOWN.test(c) ? c : ' ')).join(''));
  const raw = text.includes('\\') && !text.includes('"""');
  const escaped = clean.map((l) => (raw ? l : l.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"')));
  const open = raw ? 'r"""' : '"""';
  const lines = escaped.flatMap((line, i) => wrap(line, width - indent.length - (i === 0 ? open.length : 0)));
  while (lines.length > 1 && lines[lines.length - 1] === '') lines.pop();
  const first = lines[0] ?? '';
  const closable = !/["\\]$/.test(first) && indent.length + open.length + first.length + 3 <= width;
  if (lines.length === 1 && closable) return [`${open}${first}"""`] as string[] as Literal[];
  return [`${open}${first}`, ...lines.slice(1), '"""'] as Literal[];
}
