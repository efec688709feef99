/** The words of findings about PEFT folders that are put into models. */
import type { Diagnostic, Place } from '../../base/errors.ts';

const say = (code: string, where: Place, message: string, fix: string, found: string): Diagnostic => ({
  code,
  severity: 'error',
  message,
  where,
  fix,
  found,
});

const some = (names: readonly string[]): string =>
  names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');

export const hasModules = (where: Place, titles: readonly string[]): Diagnostic =>
  say('peft-model-modules', where, 'The model has modules already.', 'Choose a model without modules.', some(titles));
export const cannotHold = (where: Place, reason: string): Diagnostic =>
  say(
    'peft-unfit',
    where,
    'The adapter cannot be put into this model.',
    'Choose the model that it was made for.',
    reason,
  );
export const wrongModules = (where: Place, names: readonly string[]): Diagnostic =>
  say(
    'peft-modules',
    where,
    'The adapter changes modules for which this program has no such method.',
    'Choose an adapter that leaves them alone.',
    some(names),
  );
export const noModules = (where: Place, targets: string): Diagnostic =>
  say(
    'peft-targets',
    where,
    'The model has none of the modules that the adapter is made for.',
    'Choose the model that it was made for.',
    targets,
  );
export const otherValue = (where: Place, field: string, model: string, found: string): Diagnostic =>
  say('peft-backbone', where, `The model has "${field}" ${model}.`, 'Choose the model that it was made for.', found);
export const noHead = (where: Place, task: string): Diagnostic =>
  say(
    'peft-head',
    where,
    'The folder has no head, so that its outputs are unknown.',
    'Give an adapter that was trained for classification and saved with its head.',
    task,
  );
