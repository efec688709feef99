/**
 * Layer selections: the short text that names layers of a stack (`all`, `none`, `0-3`, `0,2,5`, `4..`, `..3`, `-2..`).
 * Numbers are absolute; negative ones count from the end of the stack. Reading never throws; errors are in words.
 */
import { z } from 'zod';
import { fail, ok, type Result } from '../base/result.ts';

/** Text such as `all`, `0-3`, `0,2,5`, `-2..` (the last two), `4..`. */
export type LayerSelection = string;

/** The layers of one stack: `repeat` layers with the absolute numbers `first .. first + repeat - 1`. */
export interface LayerRange {
  readonly first: number;
  readonly repeat: number;
}

const NUMBER = '-?[0-9]{1,5}';
const ITEM = `(?:[0-9]{1,5}-[0-9]{1,5}|${NUMBER}\\.\\.(?:${NUMBER})?|\\.\\.${NUMBER}|${NUMBER})`;
const SELECTION = new RegExp(`^(?:all|none|${ITEM}(?: *, *${ITEM})*)$`);
const ITEM_PARTS = new RegExp(`^(?:([0-9]+)-([0-9]+)|(${NUMBER})?\\.\\.(${NUMBER})?|(${NUMBER}))$`);

export const SELECTION_RULE =
  '"all", "none", or numbers and ranges such as "0-3", "0,2,5", "4.." or "-2.." (the last two)';

export const layerSelectionSchema: z.ZodType<LayerSelection, string> = z.string().max(512).regex(SELECTION);

/** One item of the list; a missing end is open. */
interface Span {
  readonly text: string;
  readonly from?: number;
  readonly to?: number;
}

type Parsed = 'all' | 'none' | readonly Span[];

function parse(selection: LayerSelection): Result<Parsed> {
  const text = selection.trim();
  if (text.length > 512 || !SELECTION.test(text)) {
    return fail(`"${shorten(text)}" is no layer selection; write ${SELECTION_RULE}`);
  }
  if (text === 'all' || text === 'none') return ok(text);
  return ok(text.split(',').map((item) => parseItem(item.trim())));
}

function parseItem(text: string): Span {
  const [, a, b, from, to, single] = ITEM_PARTS.exec(text) ?? [];
  const start = a ?? from ?? single;
  const end = b ?? to ?? single;
  return {
    text,
    ...(start === undefined ? {} : { from: Number(start) }),
    ...(end === undefined ? {} : { to: Number(end) }),
  };
}

/**
 * The absolute layer numbers that `selection` names in a stack, ascending and without repeats. Fails in words on a wrong
 * text, on a number outside `first .. first + repeat - 1`, and on a range that runs backwards.
 */
export const resolveLayers = (selection: LayerSelection, first: number, repeat: number): Result<readonly number[]> =>
  resolve(selection, { first, repeat }, 'strict');

/**
 * As `resolveLayers`, but layers outside the stack are left out instead of refused: for recipes and banks, which may
 * serve several stacks of different depth.
 */
export const layersWithin = (selection: LayerSelection, first: number, repeat: number): Result<readonly number[]> =>
  resolve(selection, { first, repeat }, 'clip');

function resolve(selection: LayerSelection, range: LayerRange, outside: 'strict' | 'clip'): Result<readonly number[]> {
  const parsed = parse(selection);
  if (!parsed.ok) return parsed;
  const last = range.first + range.repeat - 1;
  if (parsed.value === 'none') return ok([]);
  if (parsed.value === 'all') return ok(numbers(range.first, last));
  const layers = new Set<number>();
  for (const span of parsed.value) {
    const from = absolute(span.from, range, range.first);
    const to = absolute(span.to, range, last);
    if (outside === 'strict') {
      const wrong = [from, to].find((n) => n < range.first || n > last);
      if (wrong !== undefined) return fail(`"${span.text}" names ${layerWords(wrong)}, but ${rangeWords(range)}`);
    }
    if (from > to && span.from !== undefined && span.to !== undefined && span.from < 0 === span.to < 0) {
      return fail(`"${span.text}" runs backwards; write the smaller layer number first`);
    }
    if (from > to && outside === 'strict') return fail(`"${span.text}" names no layer, because ${rangeWords(range)}`);
    for (let n = Math.max(from, range.first); n <= Math.min(to, last); n++) layers.add(n);
  }
  return ok([...layers].sort((a, b) => a - b));
}

/** A negative number counts from the end: -1 is the last layer. An open end takes the stack's own bound. */
function absolute(value: number | undefined, range: LayerRange, open: number): number {
  if (value === undefined) return open;
  return value < 0 || Object.is(value, -0) ? range.first + range.repeat + value : value;
}

/** The shortest canonical text for `layers` in a stack: `all`, `none`, or ascending numbers and ranges (`0-3,5`). */
export function formatLayers(layers: readonly number[], first: number, repeat: number): LayerSelection {
  const sorted = [...new Set(layers)].sort((a, b) => a - b);
  if (sorted.length === 0) return 'none';
  if (sorted.length === repeat && sorted[0] === first) return 'all';
  return formatNumbers(sorted);
}

/** Ascending numbers as `0-3,5`, without the words `all` and `none`. */
export function formatNumbers(sorted: readonly number[]): LayerSelection {
  const items: string[] = [];
  for (let i = 0; i < sorted.length;) {
    let j = i;
    while (j + 1 < sorted.length && sorted[j + 1] === (sorted[j] ?? 0) + 1) j++;
    items.push(i === j ? `${sorted[i]}` : `${sorted[i]}-${sorted[j]}`);
    i = j + 1;
  }
  return items.join(',');
}

/** Whether the meaning of `selection` depends on where the stack ends (it holds a negative number). */
export const countsFromEnd = (selection: LayerSelection): boolean => /(?:^|[,. ])-/.test(selection.trim());

export const layersOf = (range: LayerRange): readonly number[] => numbers(range.first, range.first + range.repeat - 1);

/** `the stack has layers 0 to 11`, for messages. */
export const rangeWords = (range: LayerRange): string =>
  range.repeat === 1
    ? `the stack has layer ${range.first} only`
    : `the stack has layers ${range.first} to ${range.first + range.repeat - 1}`;

const layerWords = (n: number): string => (n < 0 ? 'a layer before layer 0' : `layer ${n}`);
const shorten = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
