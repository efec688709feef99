/** Finds the file and line of a path inside a parsed text, without having remembered the place of every value. */
import type { Place } from '../base/errors.ts';
import type { Path } from './issues.ts';
import { parseJsonText, type SpanOf } from './jsonText.ts';

/**
 * A function from a path to file and line. Objects and arrays were remembered by identity; a scalar is found by reading
 * its parent's text again, once per parent. A path that leaves the data gives the line of the last value on it.
 */
export function locator(
  root: object,
  text: string,
  spanOf: SpanOf,
  file: string,
  lineAt: (offset: number) => number,
): (path: Path) => Place {
  const members = new Map<object, ReadonlyMap<string, number>>();

  const memberOffsets = (
    parent: object,
    span: { readonly start: number; readonly end: number },
  ): ReadonlyMap<string, number> => {
    const known = members.get(parent);
    if (known !== undefined) return known;
    const offsets = new Map<string, number>();
    parseJsonText(text.slice(span.start, span.end), undefined, (path, offset) => {
      if (path.length === 1) offsets.set(String(path[0]), span.start + offset);
    });
    members.set(parent, offsets);
    return offsets;
  };

  return (path) => {
    let value: unknown = root;
    let offset = spanOf(root)?.start ?? 0;
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) break;
      const parent = value;
      const span = spanOf(parent);
      value = (parent as Record<PropertyKey, unknown>)[key];
      const child = typeof value === 'object' && value !== null ? spanOf(value)?.start : undefined;
      offset = child ?? (span === undefined ? offset : (memberOffsets(parent, span).get(String(key)) ?? offset));
    }
    return { file, row: lineAt(offset) };
  };
}
