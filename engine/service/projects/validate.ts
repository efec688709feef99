/** Whether a document may stand after an edit: it fits the schema as it is, and what is kept as text reads back the same. */
import type { Diagnostic } from '../../base/errors.ts';
import { fail, ok, type Result } from '../../base/result.ts';
import { jsonDepth } from '../../base/jsonDepth.ts';
import { sameJson } from '../../protocol/equal.ts';
import { DOCUMENT_LIMITS, parseJsonText } from '../../protocol/jsonText.ts';
import { documentSchema } from '../../protocol/schema.ts';
import type { Document } from '../../protocol/document.ts';
import type { Patch } from '../../protocol/api/patch.ts';
import type { KnowsType } from '../../protocol/unknownNodes.ts';
import { problem } from '../problems.ts';

type Json = Readonly<Record<string, unknown>>;
const isRecord = (x: unknown): x is Json => typeof x === 'object' && x !== null && !Array.isArray(x);

const refusal = (message: string, found: string): Diagnostic =>
  problem('edit-invalid', message, 'Undo it and try another way; the document stayed as it was.', {
    found: found.slice(0, 300),
  });

/**
 * @param before the document that the patch was applied to; parts that are the same objects are sound already
 * @param next what came of it
 */
export function validDocument(
  before: Document,
  next: unknown,
  patch: Patch,
  knows: KnowsType,
): Result<Document, readonly Diagnostic[]> {
  for (const op of patch) {
    const depth = op.path.length + (op.value === undefined ? 0 : jsonDepth(JSON.stringify(op.value)));
    if (depth > DOCUMENT_LIMITS.maxDepth) return fail([refusal('The edit nests too deep.', `${depth} levels`)]);
  }
  const parsed = documentSchema.safeParse(withoutKnown(before, next));
  if (!parsed.success) {
    return fail(
      parsed.error.issues
        .slice(0, 20)
        .map((i) => refusal(`The edit leaves "${i.path.map(String).join('/')}" unsound.`, i.message)),
    );
  }
  // Defaults that the schema fills in would make this document another one than that of the page.
  if (!sameJson(parsed.data, withoutKnown(before, next))) {
    return fail([refusal('The edit leaves fields out.', 'a field that every node or wire has is missing')]);
  }
  const raw = rawProblem(before, next, [], knows);
  return raw === undefined ? ok(next as Document) : fail([raw]);
}

/** The document without the parts that an edit did not touch, so that looking at it costs what was changed. */
function withoutKnown(before: Document, next: unknown): unknown {
  if (!isRecord(next)) return next;
  return {
    ...next,
    workflow: changedGraph(before.workflow, next['workflow']),
    models: changedEntries(before.models, next['models'], changedGraph),
    recipes: changedEntries(before.recipes, next['recipes']),
    banks: changedEntries(before.banks, next['banks']),
    ...('view' in next ? { view: null } : {}),
  };
}

/** The entries of a record that are other objects than before; `inner` looks into those. */
function changedEntries(
  before: unknown,
  next: unknown,
  inner: (before: unknown, next: unknown) => unknown = (_before, value) => value,
): unknown {
  if (!isRecord(next)) return next;
  const was = isRecord(before) ? before : {};
  return Object.fromEntries(
    Object.entries(next)
      .filter(([id, value]) => was[id] !== value || value === undefined)
      .map(([id, value]) => [id, inner(was[id], value)]),
  );
}

/** A graph with the nodes and wires that changed. Whether ids are known is no question of the schema. */
function changedGraph(before: unknown, next: unknown): unknown {
  if (!isRecord(before) || !isRecord(next)) return next;
  const known = new Set(Array.isArray(before['edges']) ? (before['edges'] as readonly unknown[]) : []);
  const { nodes, edges } = next;
  return {
    ...next,
    nodes: changedEntries(before['nodes'], nodes, changedNode),
    ...(Array.isArray(edges) ? { edges: edges.filter((edge) => !known.has(edge)) } : {}),
  };
}

const changedNode = (before: unknown, next: unknown): unknown =>
  isRecord(before) && isRecord(next) && isRecord(next['body'])
    ? { ...next, body: changedGraph(before['body'], next['body']) }
    : next;

/** Texts of unknown nodes go into the file as they are, so a new one must be what its node says. */
function rawProblem(before: unknown, next: unknown, path: readonly string[], knows: KnowsType): Diagnostic | undefined {
  if (before === next || path[0] === 'view') return undefined;
  if (Array.isArray(next) || !isRecord(next)) return undefined;
  const { raw } = next;
  if (typeof raw === 'string' && !(isRecord(before) && before['raw'] === raw)) {
    const reason = rawReason(next, raw, knows);
    if (reason !== undefined)
      return refusal(`The text of the unknown node "${path.join('/')}" cannot be kept.`, reason);
  }
  for (const [key, value] of Object.entries(next)) {
    const found = rawProblem(isRecord(before) ? before[key] : undefined, value, [...path, key], knows);
    if (found) return found;
  }
  return undefined;
}

function rawReason(node: Json, raw: string, knows: KnowsType): string | undefined {
  const read = parseJsonText(raw);
  if (!isRecord(read.value)) return 'it is no JSON object';
  const faults = read.problems.filter((p) => p.kind !== 'number-inexact' && p.kind !== 'number-too-large');
  if (faults[0]) return faults[0].found;
  const { type, version } = read.value;
  if (type !== node['type']) return 'its type is another one';
  if (typeof type !== 'string' || knows(type, typeof version === 'number' ? version : 1)) return 'its type is known';
  return undefined;
}
