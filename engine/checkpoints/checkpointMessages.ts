/** Every sentence about checkpoints, shards and the model store: what is wrong, where, and what to do. */
import { printName, printNames, type Problem } from './refusal.ts';

export const CHECKPOINT_PROBLEMS = {
  notAFolder: (): Problem => ({
    code: 'checkpoint-missing',
    message: 'There is no such model folder.',
    fix: 'Give a folder with config.json and model.safetensors.',
  }),
  noConfig: (): Problem => ({
    code: 'checkpoint-no-config',
    message: 'The folder has no config.json.',
    fix: 'Give the folder of a whole model, as "save_pretrained" writes it.',
  }),
  configNotAnObject: (found: string): Problem => ({
    code: 'checkpoint-config',
    message: 'config.json must hold a JSON object.',
    found,
    fix: 'Download the file again.',
  }),
  adapterFolder: (): Problem => ({
    code: 'checkpoint-is-adapter',
    message: 'The folder holds an adapter (adapter_config.json), not a whole model.',
    fix: 'Give the folder of the model that the adapter was trained on.',
  }),
  onlyOtherFormats: (names: readonly string[]): Problem => ({
    code: 'checkpoint-not-safetensors',
    message: 'The weights are in a format that is never read, because such files can run code or lack checks.',
    found: printNames(names),
    fix: 'Convert them with transformers: AutoModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER, safe_serialization=True).',
  }),
  noWeights: (): Problem => ({
    code: 'checkpoint-no-weights',
    message: 'The folder has neither model.safetensors nor model.safetensors.index.json.',
    fix: 'Give the folder of a whole model, as "save_pretrained" writes it.',
  }),
  noTensors: (): Problem => ({
    code: 'checkpoint-empty',
    message: 'The checkpoint has no tensor.',
    fix: 'Download the model again.',
  }),
  indexShape: (): Problem => ({
    code: 'index-structure',
    message: 'The index of the shards must be an object with one "weight_map" from tensor names to file names.',
    fix: 'Download the index again.',
  }),
  shardName: (name: string): Problem => ({
    code: 'index-shard-name',
    message: 'The index names a shard that is not a plain file name ending in ".safetensors".',
    found: printName(name),
    fix: 'Do not use this model: its index points outside of its folder, or was written by a faulty program.',
  }),
  shardMissing: (shard: string, names: readonly string[]): Problem => ({
    code: 'index-shard-missing',
    message: `The shard ${printName(shard)} is missing; ${names.length} tensors are in it: ${printNames(names, 3)}.`,
    fix: 'Download the missing file.',
  }),
  notInShard: (shard: string, names: readonly string[]): Problem => ({
    code: 'index-tensor-missing',
    message: `The index places ${names.length} tensors in ${printName(shard)} that are not there: ${printNames(names)}.`,
    fix: 'Download the index and the shard again; they belong to different versions.',
  }),
  notInIndex: (shard: string, names: readonly string[]): Problem => ({
    code: 'index-tensor-unlisted',
    message: `The shard ${printName(shard)} has ${names.length} tensors that the index does not place there: ${printNames(names)}.`,
    fix: 'Download the index and the shard again; they belong to different versions.',
  }),
  twice: (name: string, first: string, second: string): Problem => ({
    code: 'index-tensor-twice',
    message: `Tensor ${printName(name)} is both in ${printName(first)} and in ${printName(second)}.`,
    fix: 'Download the model again, or save it again.',
  }),
  aliasTwice: (old: string, name: string): Problem => ({
    code: 'checkpoint-name-twice',
    message: `The checkpoint has ${printName(old)}, an old name of ${printName(name)}, and that too.`,
    fix: 'Save the model again with a current version of its library.',
  }),
  noTokenizer: (): Problem => ({
    code: 'checkpoint-no-tokenizer',
    message: 'The folder has no tokenizer.json.',
    fix: 'Save the fast tokenizer into it: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER).',
  }),
} as const;

export const STORE_PROBLEMS = {
  name: (name: string): Problem => ({
    code: 'model-name',
    message: 'A model is named by one or two parts of letters, digits, ".", "_" and "-", with "/" between them.',
    found: printName(name),
    fix: 'Choose another name with --name.',
  }),
  reserved: (name: string): Problem => ({
    code: 'model-name',
    message: `The name ${printName(name)} stands for the starter model.`,
    fix: 'Choose another name with --name.',
  }),
  taken: (name: string, folder: string): Problem => ({
    code: 'model-name-taken',
    message: `Another model has the name ${printName(name)}.`,
    found: folder,
    fix: 'Choose another name with --name.',
  }),
  unknown: (name: string, known: readonly string[]): Problem => ({
    code: 'model-unknown',
    message: `There is no model ${printName(name)}, neither in the store nor as a folder.`,
    found: known.length === 0 ? 'the store is empty' : `the store has ${printNames(known)}`,
    fix: `Get it with "espalier models get NAME", or register a folder with "espalier models add FOLDER".`,
  }),
  entry: (why: string): Problem => ({
    code: 'model-entry',
    message: 'The record of a model in the store is damaged.',
    found: why,
    fix: 'Delete the folder of this record, then get or add the model again.',
  }),
  changed: (name: string): Problem => ({
    code: 'model-changed',
    message: `The weights or the configuration of model ${printName(name)} are not those that were registered.`,
    fix: 'If the change was meant, register the folder again with "espalier models add FOLDER"; else restore the files.',
  }),
} as const;
