/**
 * The difference of two documents as a list of replacements, and its application. A patch is what travels between windows
 * and the service, what the journal keeps and what undo inverts. Parts that two documents share are recognised by identity
 * first, so that an edit of one parameter in a large document is found without walking the rest.
 */
import { fail, ok, type Result } from '../../base/result.ts';
import { sameJson } from '../equal.ts';
import { FORBIDDEN_KEYS, recordOf } from '../ids.ts';

/** Puts `value` at `path`, or removes what is there when `value` is missing. Lists are replaced whole. */
export interface PatchOp {
  readonly path: readonly string[];
  readonly value?: unknown;
}
export type Patch = readonly PatchOp[];

type Json = Readonly<Record<string, unknown>>;

const isRecord = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

/** The patch that makes `after` of `before`. Key order is not part of a difference. */
export function diff(before: unknown, after: unknown): Patch {
  const ops: PatchOp[] = [];
  const walk = (a: unknown, b: unknown, path: readonly string[]): void => {
    if (a === b) return;
    if (!isRecord(a) || !isRecord(b)) {
      if (!sameJson(a, b)) ops.push({ path, value: b });
      return;
    }
    for (const key of Object.keys(a))
      if (b[key] === undefined && a[key] !== undefined) ops.push({ path: [...path, key] });
    for (const key of Object.keys(b)) {
      if (b[key] === undefined) continue;
      if (a[key] === undefined) ops.push({ path: [...path, key], value: b[key] });
      else walk(a[key], b[key], [...path, key]);
    }
  };
  walk(before, after, []);
  return ops;
}

/** Applies a patch without changing `base`; what the patch does not touch stays the same object. */
export function applyPatch(base: unknown, patch: Patch): Result<unknown> {
  let result = base;
  for (const op of patch) {
    const next = applyOp(result, op, 0);
    if (!next.ok) return next;
    result = next.value;
  }
  return ok(result);
}

function applyOp(base: unknown, op: PatchOp, depth: number): Result<unknown> {
  const key = op.path[depth];
  if (key === undefined)
    return op.value === undefined ? fail('a patch cannot remove the whole document') : ok(op.value);
  const place = op.path.join('/');
  if (FORBIDDEN_KEYS.has(key)) return fail(`"${place}" is no place of a document`);
  if (!isRecord(base)) return fail(`there is nothing at "${place}" any more`);
  const entries = Object.entries(base);
  if (depth === op.path.length - 1) {
    const without = entries.filter(([k]) => k !== key);
    if (op.value === undefined) return ok(recordOf(without));
    return ok(
      recordOf(
        key in base ? entries.map(([k, v]) => [k, k === key ? op.value : v] as const) : [...entries, [key, op.value]],
      ),
    );
  }
  const inner = applyOp(base[key], op, depth + 1);
  return inner.ok ? ok(recordOf(entries.map(([k, v]) => [k, k === key ? inner.value : v] as const))) : inner;
}

/** Whether two patches change a common place, so that they cannot be exchanged. */
export const overlaps = (one: Patch, other: Patch): boolean =>
  one.some((a) => other.some((b) => a.path.every((key, i) => i >= b.path.length || b.path[i] === key)));
