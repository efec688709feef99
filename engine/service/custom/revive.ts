/** Nodes that were kept as text because their type was not known, and now is: the edit that makes them nodes again. */
import type { Patch, PatchOp } from '../../protocol/api/patch.ts';
import type { Document } from '../../protocol/document.ts';
import { parseJsonText } from '../../protocol/jsonText.ts';
import { nodeSchema } from '../../protocol/schema.ts';

type Json = Readonly<Record<string, unknown>>;
const isRecord = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

export function revivePatch(document: Document, knows: (type: string) => boolean): Patch {
  const ops: PatchOp[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    if (!isRecord(value)) return;
    const { raw, type } = value;
    if (typeof raw === 'string' && typeof type === 'string') {
      const node = knows(type) ? nodeSchema.safeParse(parseJsonText(raw).value) : undefined;
      if (node?.success === true) ops.push({ path, value: node.data });
      return;
    }
    for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  visit(document.models, ['models']);
  visit(document.recipes, ['recipes']);
  return ops;
}
