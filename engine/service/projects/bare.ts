/** Parsed JSON without prototypes, so that an id such as `toString` finds nothing in a record. */
import { recordOf } from '../../protocol/ids.ts';

export function bareJson(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(bareJson);
  return recordOf(Object.entries(value).map(([key, inner]) => [key, bareJson(inner)] as const));
}
