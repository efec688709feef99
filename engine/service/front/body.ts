/** Strict JSON from a request's bytes: valid UTF-8, not nested too deep, no key that reaches into a prototype. */
import { jsonDepth } from '../../base/jsonDepth.ts';
import { FORBIDDEN_KEYS } from '../../protocol/ids.ts';
import { REFUSALS } from '../problems.ts';

/** A patch may hold a whole document, which itself is nested at most 64 deep. */
const DEEPEST = 128;

export function parseBody(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    if (jsonDepth(text) > DEEPEST) throw new Error(`nested more than ${DEEPEST} deep`);
    value = JSON.parse(text);
  } catch (error) {
    throw REFUSALS.body(error instanceof Error ? error.message : '');
  }
  const key = forbiddenKey(value);
  if (key !== undefined) throw REFUSALS.body(`the key "${key}"`);
  return value;
}

function forbiddenKey(root: unknown): string | undefined {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value)) {
      for (const item of value) if (typeof item === 'object') open.push(item);
      continue;
    }
    for (const key of Object.keys(value)) {
      if (FORBIDDEN_KEYS.has(key)) return key;
      open.push((value as Record<string, unknown>)[key]);
    }
  }
  return undefined;
}
