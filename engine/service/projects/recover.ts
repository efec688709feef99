/** What a journal adds to the file that is there. Pure: nothing is written. */
import { applyPatch } from '../../protocol/api/patch.ts';
import type { Document } from '../../protocol/document.ts';
import { textHash, type JournalContent, type JournalEdit } from './journal.ts';

export type Recovery =
  /** The file has everything. */
  | { readonly kind: 'none' }
  /** Edits that the file lacks, on top of the file. */
  | {
      readonly kind: 'ahead';
      readonly document: Document;
      readonly edits: readonly JournalEdit[];
      readonly revision: number;
    }
  /** The file was changed elsewhere while edits were not in it: the edited text stands beside it. */
  | { readonly kind: 'apart'; readonly document: Document; readonly edits: number; readonly revision: number };

/**
 * @param bytes what the file holds now
 * @param onDisk the document read from it, or undefined when it cannot be read as one
 * @param parse reads the text that the journal builds on
 */
export function recover(
  journal: JournalContent,
  bytes: Uint8Array,
  onDisk: Document | undefined,
  parse: (text: string) => Document | undefined,
): Recovery {
  const { header, edits, savings } = journal;
  const hash = textHash(bytes);
  const saved =
    savings.findLast((s) => s.hash === hash)?.revision ?? (hash === header.hash ? header.revision : undefined);
  const missing = saved === undefined ? edits : edits.filter((e) => e.revision > saved);
  if (missing.length === 0) return { kind: 'none' };
  const base = saved === undefined ? parse(header.text) : onDisk;
  if (base === undefined) return { kind: 'none' };
  let document: unknown = base;
  let revision = missing[0] === undefined ? header.revision : missing[0].revision - 1;
  const done: JournalEdit[] = [];
  for (const edit of missing) {
    const next = applyPatch(document, edit.patch);
    if (!next.ok) break;
    document = next.value;
    revision = edit.revision;
    done.push(edit);
  }
  if (done.length === 0) return { kind: 'none' };
  // An edit that does not fit ends the journal's meaning; what came before it is put beside the file, for a person to judge.
  return saved === undefined || done.length < missing.length
    ? { kind: 'apart', document: document as Document, edits: done.length, revision }
    : { kind: 'ahead', document: document as Document, edits: done, revision };
}
