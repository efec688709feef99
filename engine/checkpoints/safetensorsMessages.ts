/** Every sentence that the safetensors reader says to a person: what is wrong, where in the file, and what to do. */
import { printName, type Problem } from './refusal.ts';

/** A byte range of the data section, as the header writes it. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

const AGAIN = 'Download the file again, or save it again with the safetensors library.';
const RESAVE = 'Save the model again with the safetensors library, one tensor per name.';

const bytes = (r: Range): string => `data bytes ${r.begin} to ${r.end}`;

export const SAFETENSORS_PROBLEMS = {
  tooShort: (size: number): Problem => ({
    code: 'safetensors-truncated',
    message:
      'The file is too short to be a safetensors file, which starts with 8 bytes that give the length of its header.',
    found: `${size} bytes`,
    fix: AGAIN,
  }),
  gitPointer: (): Problem => ({
    code: 'safetensors-git-pointer',
    message: 'This is a Git LFS pointer, a small text that stands for the weights, not the weights.',
    fix: 'Run "git lfs pull" in the folder of the model, or download the file itself.',
  }),
  pickle: (): Problem => ({
    code: 'safetensors-pickle',
    message:
      'This is a zip archive or pickle of PyTorch under another name; such files can run code and are never read.',
    fix: 'Convert the model to safetensors with the program that made it.',
  }),
  headerTooLarge: (length: bigint, largest: number): Problem => ({
    code: 'safetensors-header-too-large',
    message: `The first 8 bytes ask for a header longer than ${largest} bytes.`,
    found: `${length} bytes`,
    fix: `This is no safetensors file, or it is damaged. ${AGAIN}`,
  }),
  headerCut: (length: bigint, size: number): Problem => ({
    code: 'safetensors-truncated',
    message: 'The file ends inside its header.',
    found: `a header of ${length} bytes after the first 8, in a file of ${size} bytes`,
    fix: AGAIN,
  }),
  headerTooSmall: (length: bigint): Problem => ({
    code: 'safetensors-header-start',
    message: 'The header is too short to be a JSON object.',
    found: `${length} bytes`,
    fix: AGAIN,
  }),
  headerStart: (byte: number): Problem => ({
    code: 'safetensors-header-start',
    message: 'The header must begin with "{" at byte 8 of the file.',
    found: `byte 0x${byte.toString(16).padStart(2, '0')}`,
    fix: AGAIN,
  }),
  tooMany: (what: string, most: number): Problem => ({
    code: 'safetensors-too-many',
    message: `The header lists more than ${most} ${what}.`,
    fix: 'Split the model into several files (shards).',
  }),
  emptyName: (): Problem => ({
    code: 'safetensors-name',
    message: 'A tensor has an empty name.',
    fix: RESAVE,
  }),
  controlName: (name: string): Problem => ({
    code: 'safetensors-name',
    message: 'The name of a tensor has a control character.',
    found: printName(name),
    fix: RESAVE,
  }),
  unknownField: (name: string, field: string): Problem => ({
    code: 'safetensors-unknown-field',
    message: `The entry of tensor ${printName(name)} has a field that the format does not know.`,
    found: printName(field),
    fix: 'Save the file again; an entry has "dtype", "shape" and "data_offsets" only.',
  }),
  missingField: (name: string, field: string): Problem => ({
    code: 'safetensors-missing-field',
    message: `The entry of tensor ${printName(name)} has no "${field}".`,
    fix: AGAIN,
  }),
  dtype: (dtype: string, known: readonly string[]): Problem => ({
    code: 'safetensors-dtype',
    message: 'The dtype of the tensor is not supported.',
    found: printName(dtype),
    fix: `Convert the tensor to one of ${known.join(', ')}.`,
  }),
  rank: (most: number): Problem => ({
    code: 'safetensors-rank',
    message: `The tensor has more than ${most} dimensions.`,
    fix: AGAIN,
  }),
  shapeOverflow: (shape: readonly number[]): Problem => ({
    code: 'safetensors-overflow',
    message: 'The shape asks for more than 2^53 bytes.',
    found: `shape [${shape.join(', ')}]`,
    fix: AGAIN,
  }),
  offsetsOrder: (r: Range): Problem => ({
    code: 'safetensors-offsets',
    message: 'The data of the tensor ends before it begins.',
    found: bytes(r),
    fix: AGAIN,
  }),
  offsetsCount: (count: number): Problem => ({
    code: 'safetensors-offsets',
    message: '"data_offsets" must have two numbers, the first byte and the byte after the last.',
    found: `${count} numbers`,
    fix: AGAIN,
  }),
  sizeMismatch: (dtype: string, shape: readonly number[], needed: number, r: Range): Problem => ({
    code: 'safetensors-size',
    message: `Shape [${shape.join(', ')}] of ${dtype} takes ${needed} bytes, but the header gives the tensor ${r.end - r.begin}.`,
    found: bytes(r),
    fix: AGAIN,
  }),
  dataCut: (r: Range, dataSize: number): Problem => ({
    code: 'safetensors-truncated',
    message: `The file ends before the data of the tensor does; its data section has ${dataSize} bytes, ${r.end - dataSize} too few.`,
    found: bytes(r),
    fix: 'Download the file again: it was cut off.',
  }),
  overlap: (first: string, a: Range, second: string, b: Range): Problem => ({
    code: 'safetensors-overlap',
    message: `Tensors ${printName(first)} (${bytes(a)}) and ${printName(second)} (${bytes(b)}) overlap.`,
    fix: RESAVE,
  }),
  hole: (before: string | undefined, after: string, gap: Range): Problem => ({
    code: 'safetensors-hole',
    message: `No tensor owns ${bytes(gap)}, which lie ${before === undefined ? 'before' : `between ${printName(before)} and`} ${printName(after)}.`,
    fix: `Data outside tensors could hide another file. ${RESAVE}`,
  }),
  trailing: (last: string | undefined, extra: Range): Problem => ({
    code: 'safetensors-trailing',
    message: `No tensor owns ${bytes(extra)}, which follow ${last === undefined ? 'an empty header' : `the last tensor, ${printName(last)}`}.`,
    fix: `Data outside tensors could hide another file. ${AGAIN}`,
  }),
  changed: (): Problem => ({
    code: 'safetensors-changed',
    message: 'The file was replaced or changed after it was opened.',
    fix: 'Start again, and do not write to a model while it is in use.',
  }),
  noTensor: (name: string, near: readonly string[]): Problem => ({
    code: 'tensor-missing',
    message: `There is no tensor ${printName(name)}.`,
    ...(near.length === 0 ? {} : { found: `the nearest names are ${near.map(printName).join(', ')}` }),
    fix: 'Check that the checkpoint belongs to this architecture.',
  }),
  notFloat: (dtype: string): Problem => ({
    code: 'tensor-dtype',
    message: 'The tensor must hold floating-point numbers.',
    found: dtype,
    fix: 'Check that the checkpoint belongs to this architecture.',
  }),
  noMemory: (count: number): Problem => ({
    code: 'memory-full',
    message: 'There is not enough memory to read the tensor.',
    found: `${count} bytes`,
    fix: 'Close other programs, or use a machine with more memory.',
  }),
} as const;
