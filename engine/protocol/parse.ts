/**
 * Text to document: strict JSON, migration to the newest version, texts of unknown nodes set aside, then the schema. User
 * mistakes never throw; all of them are reported at once, and a document comes back exactly when there is none.
 * What ids refer to is not checked here (`structure.ts`): a document with a dangling wire opens and can be repaired.
 */
import type { Diagnostic } from '../base/errors.ts';
import type { Document } from './document.ts';
import { fieldName, glimpse, issueDiagnostics, placeOf } from './issues.ts';
import { DOCUMENT_LIMITS, lineFinder, parseJsonText, type JsonProblem } from './jsonText.ts';
import { locator } from './locate.ts';
import { diagnose } from './messages.ts';
import { documentMigrations, migrate, type JsonObject, type MigrationChain } from './migrations.ts';
import { DOCUMENT_FORMAT, documentSchema } from './schema.ts';
import { isObject, keepUnknown, type KnowsType } from './unknownNodes.ts';

export const MAX_NODES = 100_000;

export interface ParseOptions {
  /**
   * Whether a node type is known in this version. The text of a node of any other type is kept byte for byte and nothing
   * in it is interpreted. Without this function every type counts as known; then nothing of the content is lost either,
   * but a node of a foreign type must fit the schema and is printed in canonical form. Whoever saves files passes it.
   */
  readonly knows?: KnowsType;
  /** The migrations; tests pass their own. */
  readonly migrations?: MigrationChain;
}

export interface ParsedDocument {
  /** There exactly when there is no diagnostic. */
  readonly document?: Document;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the bytes of a file as strict UTF-8, then as a document. */
export function parseDocumentBytes(bytes: Uint8Array, file: string, options: ParseOptions = {}): ParsedDocument {
  const text = decode(bytes, false);
  if (text !== undefined) return parseDocument(text, file, options);
  return { diagnostics: [diagnose('json-encoding', { file }, { offset: validPrefix(bytes) })] };
}

/** Reads a document. `file` is its name for the diagnostics; nothing is read from disk. */
export function parseDocument(text: string, file: string, options: ParseOptions = {}): ParsedDocument {
  const json = parseJsonText(text);
  const lineAt = lineFinder(text);
  const inWords = (problems: readonly JsonProblem[]): Diagnostic[] =>
    problems.map((p) => problemDiagnostic(p, file, lineAt));
  if (!('value' in json)) return { diagnostics: inWords(json.problems) };

  const newest = toNewest(json.value, file, options.migrations ?? documentMigrations);
  if ('diagnostic' in newest) return { diagnostics: [...inWords(json.problems), newest.diagnostic] };

  const kept = keepUnknown(newest.document, text, json.spanOf, options.knows ?? (() => true));
  const isKept = (offset: number): boolean => kept.spans.some((s) => offset >= s.start && offset < s.end);
  const diagnostics = inWords(json.problems.filter((p) => !(isNumberProblem(p) && isKept(p.offset))));
  if (kept.nodes > MAX_NODES) {
    const facts = { count: kept.nodes, limit: MAX_NODES };
    return { diagnostics: [...diagnostics, diagnose('document-too-many-nodes', { file }, facts)] };
  }

  const locate = newest.migrated ? () => ({ file }) : locator(newest.document, text, json.spanOf, file, lineAt);
  for (const path of kept.reserved) {
    const where = { ...locate(path), ...placeOf(path) };
    diagnostics.push(diagnose('field-unknown', where, { field: fieldName(path) }));
  }
  const parsed = documentSchema.safeParse(kept.document);
  for (const issue of parsed.error?.issues ?? []) diagnostics.push(...issueDiagnostics(issue, kept.document, locate));
  if (parsed.success && diagnostics.length === 0) return { document: parsed.data, diagnostics };
  return { diagnostics: limited(diagnostics, file) };
}

const isNumberProblem = (p: JsonProblem): boolean => p.kind === 'number-inexact' || p.kind === 'number-too-large';

function problemDiagnostic(problem: JsonProblem, file: string, lineAt: (offset: number) => number): Diagnostic {
  const where = { file, row: lineAt(problem.offset), ...placeOf(problem.path) };
  return diagnose(`json-${problem.kind}`, where, { found: problem.found, limit: DOCUMENT_LIMITS.maxLength });
}

type Newest = { readonly document: JsonObject; readonly migrated: boolean } | { readonly diagnostic: Diagnostic };

/** Reads format and version, and brings the plain JSON to the newest version. */
function toNewest(value: unknown, file: string, chain: MigrationChain): Newest {
  const where = { file };
  if (!isObject(value) || value['format'] !== DOCUMENT_FORMAT) {
    const found = isObject(value) ? `"format" is ${glimpse(value['format'])}` : glimpse(value);
    return { diagnostic: diagnose('document-format', where, { found }) };
  }
  const version = value['version'];
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    return { diagnostic: diagnose('document-version', where, { found: glimpse(version) }) };
  }
  const migrated = migrate(chain, value, version);
  if (migrated.ok) return { document: migrated.value, migrated: version !== chain.current };
  const fault = migrated.error;
  if (fault.kind === 'newer') {
    return { diagnostic: diagnose('document-newer', where, { version, current: chain.current }) };
  }
  if (fault.kind === 'older') {
    return { diagnostic: diagnose('document-older', where, { version, first: chain.first }) };
  }
  const { name: step, to } = fault.step;
  return { diagnostic: diagnose('document-migration-failed', where, { step, to, reason: fault.reason }) };
}

/** At most as many diagnostics as a person or a screen can take, with a last one that says so. */
function limited(diagnostics: readonly Diagnostic[], file: string): readonly Diagnostic[] {
  const limit = DOCUMENT_LIMITS.maxProblems;
  if (diagnostics.length <= limit) return diagnostics;
  return [...diagnostics.slice(0, limit), diagnose('more-problems', { file }, { limit })];
}

/** Strict UTF-8, or `undefined`; `partial` allows a character that is cut off at the end. */
function decode(bytes: Uint8Array, partial: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: partial });
  } catch {
    return undefined;
  }
}

/** The length of the longest prefix that is UTF-8, by bisection. */
function validPrefix(bytes: Uint8Array): number {
  let valid = 0;
  for (let wrong = bytes.length + 1; wrong - valid > 1;) {
    const middle = (valid + wrong) >> 1;
    if (middle <= bytes.length && decode(bytes.subarray(0, middle), true) !== undefined) valid = middle;
    else wrong = middle;
  }
  return valid;
}
