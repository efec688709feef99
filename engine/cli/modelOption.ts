/** The model of a document that a command is about. */
import { UserError } from '../base/errors.ts';
import type { Document } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';

/** The named model; without a name `main`, or the first one. Throws a `UserError` when there is none. */
export function chooseModel(document: Document, name: string | undefined, file: string): ModelId {
  const names = Object.keys(document.models);
  const chosen = name ?? (names.includes('main') ? 'main' : names[0]);
  if (chosen !== undefined && names.includes(chosen)) return chosen as ModelId;
  throw new UserError({
    code: 'model-missing',
    severity: 'error',
    where: { file },
    message: 'The document has no such model.',
    found: name ?? 'none',
    fix: names.length === 0 ? 'Add a model.' : `Name one of ${names.join(', ')}.`,
  });
}
