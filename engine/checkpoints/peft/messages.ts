/** Every sentence about PEFT folders: what is wrong, where, and what to do. */
import { printName, printNames, type Problem } from '../refusal.ts';

export const PEFT_PROBLEMS = {
  noConfig: (): Problem => ({
    code: 'peft-no-config',
    message: 'The folder has no adapter_config.json.',
    fix: 'Give a folder that PEFT wrote with save_pretrained; adapters with a name lie in a sub-folder of that name.',
  }),
  notAnObject: (): Problem => ({
    code: 'peft-config',
    message: 'adapter_config.json must hold a JSON object.',
    fix: 'Download the file again.',
  }),
  adapterHub: (): Problem => ({
    code: 'peft-adapterhub',
    message: 'The folder was written by the library "adapters", whose files have the same names and another content.',
    fix: 'Give an adapter that PEFT wrote.',
  }),
  unknownType: (found: string, known: readonly string[]): Problem => ({
    code: 'peft-type',
    message: 'Adapters of this type cannot be opened.',
    found,
    fix: `Choose an adapter of type ${known.join(', ')}.`,
  }),
  badField: (field: string, rule: string, found: string): Problem => ({
    code: 'peft-field',
    message: `Field ${printName(field)} is not what this program can compute: ${rule}.`,
    found,
    fix: 'Choose an adapter that does without it: the numbers would not be those of PEFT.',
  }),
  unknownField: (field: string, found: string): Problem => ({
    code: 'peft-field-unknown',
    message: `Field ${printName(field)} is not known to this program and may change what the adapter computes.`,
    found,
    fix: 'Choose an adapter that does without it, or remove the field when you know that it changes nothing.',
  }),
  badPattern: (pattern: string, reason: string): Problem => ({
    code: 'peft-pattern',
    message: `The regular expression for module names ${reason}.`,
    found: printName(pattern),
    fix: 'List the names of the modules instead.',
  }),
  onlyPickle: (name: string): Problem => ({
    code: 'peft-not-safetensors',
    message: 'The weights are in a format that is never read, because such files can run code.',
    found: name,
    fix: 'Load it with PEFT and save it again: save_pretrained(NEW_FOLDER, safe_serialization=True).',
  }),
  noWeights: (): Problem => ({
    code: 'peft-no-weights',
    message: 'The folder has no adapter_model.safetensors.',
    fix: 'Give the whole folder that PEFT wrote with save_pretrained.',
  }),
  missingTensors: (names: readonly string[]): Problem => ({
    code: 'peft-tensor-missing',
    message: `${names.length} tensors that the configuration asks for are missing.`,
    found: printNames(names),
    fix: 'Give the adapter that this configuration was written with.',
  }),
  unexpectedTensors: (names: readonly string[]): Problem => ({
    code: 'peft-tensor-unexpected',
    message: `${names.length} tensors have no place in a model with this configuration.`,
    found: printNames(names),
    fix: 'Give the adapter that this configuration was written with, and the model that it was trained on.',
  }),
  wrongShape: (wants: readonly number[], has: readonly number[]): Problem => ({
    code: 'peft-tensor-shape',
    message: `The model needs shape [${wants.join(', ')}] here.`,
    found: `[${has.join(', ')}]`,
    fix: 'Give the adapter that was trained on this model, and a head with as many outputs.',
  }),
  nonFinite: (count: number): Problem => ({
    code: 'peft-tensor-nonfinite',
    message: 'The tensor holds values that are no numbers.',
    found: `${count} values of NaN or infinity`,
    fix: 'Train the adapter again; this training went wrong.',
  }),
} as const;
