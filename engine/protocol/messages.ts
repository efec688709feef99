/**
 * Every sentence that documents can cause: one entry per code, each a function from the facts to what is wrong, what was
 * found and what to do (`messages/`). The code is stable and may be matched on; the words may change. Places are added by
 * the caller.
 */
import type { Diagnostic, Place, Severity } from '../base/errors.ts';
import { editMessages } from './messages/edit.ts';
import { shapeMessages, textMessages } from './messages/shape.ts';
import { structureMessages } from './messages/structure.ts';
import type { Words } from './messages/words.ts';

export const documentMessages = { ...textMessages, ...shapeMessages, ...structureMessages, ...editMessages } as const;

type Messages = typeof documentMessages;
/** The codes of everything that the document layer reports. */
export type DocumentCode = keyof Messages;

/** Makes the diagnostic of `code` from its facts. */
export function diagnose<C extends DocumentCode>(
  code: C,
  where: Place,
  facts: Parameters<Messages[C]>[0],
  severity: Severity = 'error',
): Diagnostic {
  const words = (documentMessages[code] as (facts: Parameters<Messages[C]>[0]) => Words)(facts);
  return { code, severity, where, ...words };
}
