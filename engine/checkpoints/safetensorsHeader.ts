/**
 * The header of a safetensors file: 8 bytes of length (little-endian), a JSON object, then the data. This reader is
 * stricter than the reference implementation (reliability.md 1.4). Invariants of every layout it returns:
 *
 * 1. The tensors, in order of their offsets, cover the data section exactly: no overlap, no hole, no byte after the
 *    last.
 * 2. For every tensor, end - begin = product of its shape x bytes of its dtype, computed without rounding.
 * 3. Names are unique, not empty and free of control characters. They are data: never a path, never a key of an
 *    object.
 *
 * Nothing here touches the disk, so that a fuzzer can call it on bytes.
 */
import { JsonCursor } from './jsonCursor.ts';
import { refuse, shorten, type Problem } from './refusal.ts';
import { SAFETENSORS_PROBLEMS as problems } from './safetensorsMessages.ts';

/** Bytes per element. The reader knows no sub-byte and no 8-bit float types. */
export const DTYPE_BYTES = {
  F64: 8,
  I64: 8,
  U64: 8,
  F32: 4,
  I32: 4,
  U32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type SafetensorsDtype = keyof typeof DTYPE_BYTES;

/** One tensor; `begin` and `end` are absolute byte offsets in the file. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsLayout {
  /** Absolute offset of the data section: 8 + length of the header. */
  readonly dataStart: number;
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/**
 * The length field and the first byte of the JSON: all that is needed to refuse most wrong files without allocating.
 */
export const HEAD_BYTES = 9;
const LENGTH_BYTES = 8;
/** The reference implementation has the same limit. */
export const LARGEST_HEADER = 100_000_000;
export const MOST_TENSORS = 100_000;
export const MOST_DIMENSIONS = 64;
const METADATA_KEY = '__metadata__';
const SPACE = 0x20;
const OPENING_BRACE = 0x7b;
// eslint-disable-next-line no-control-regex -- finding control characters is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Checks the first bytes of a file against its size, and returns the length of the header.
 *
 * @param head the first `HEAD_BYTES` bytes, or fewer when the file is shorter.
 */
export function headerLength(head: Uint8Array, size: number, file: string): number {
  const where = { file };
  const first = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (first.length < LENGTH_BYTES) refuse(where, problems.tooShort(size));
  const length = first.readBigUInt64LE(0);
  if (length > BigInt(LARGEST_HEADER))
    refuse(where, otherFormat(first) ?? problems.headerTooLarge(length, LARGEST_HEADER));
  if (length > BigInt(size - LENGTH_BYTES)) refuse(where, otherFormat(first) ?? problems.headerCut(length, size));
  if (length < 2n) refuse(where, problems.headerTooSmall(length));
  const brace = first[LENGTH_BYTES]!;
  if (brace !== OPENING_BRACE) refuse(where, otherFormat(first) ?? problems.headerStart(brace));
  return Number(length);
}

/**
 * A better reason when the bytes are known from another format. Asked only after a fault: 0x0280 is a good header
 * length.
 */
function otherFormat(first: Buffer): Problem | undefined {
  const start = first.toString('latin1', 0, LENGTH_BYTES);
  if (start === 'version ') return problems.gitPointer();
  if (start.startsWith('PK\x03\x04') || start.startsWith('\x80\x02')) return problems.pickle();
  return undefined;
}

/**
 * Parses and checks a header.
 *
 * @param header the bytes of the JSON alone.
 * @param size the size of the whole file in bytes.
 */
export function parseHeader(header: Uint8Array, size: number, file: string): SafetensorsLayout {
  const dataStart = LENGTH_BYTES + header.byteLength;
  const cursor = new JsonCursor(header, file, 'safetensors', LENGTH_BYTES);
  const metadata = new Map<string, string>();
  const tensors = new Map<string, TensorEntry>();
  cursor.object('the header', (name) => {
    if (name === METADATA_KEY) readMetadata(cursor, metadata, file);
    else {
      if (tensors.size === MOST_TENSORS) refuse({ file }, problems.tooMany('tensors', MOST_TENSORS));
      tensors.set(name, readEntry(cursor, name, dataStart, size, file));
    }
  });
  cursor.end([SPACE], 'the header (only spaces may pad it)');
  checkCover([...tensors.values()], dataStart, size, file);
  return { dataStart, metadata, tensors };
}

function readMetadata(cursor: JsonCursor, metadata: Map<string, string>, file: string): void {
  cursor.object('"__metadata__"', (key) => {
    if (metadata.size === MOST_TENSORS) refuse({ file }, problems.tooMany('entries of "__metadata__"', MOST_TENSORS));
    metadata.set(key, cursor.string('a value of "__metadata__"'));
  });
}

function readEntry(cursor: JsonCursor, name: string, dataStart: number, size: number, file: string): TensorEntry {
  if (name === '') refuse({ file }, problems.emptyName());
  if (CONTROL.test(name)) refuse({ file }, problems.controlName(name));
  const where = { file, tensor: shorten(name) };
  let dtype: SafetensorsDtype | undefined;
  let shape: readonly number[] | undefined;
  let offsets: readonly number[] | undefined;
  cursor.object(`the entry of tensor ${JSON.stringify(shorten(name))}`, (field) => {
    if (field === 'dtype') {
      const text = cursor.string('the dtype');
      if (!isDtype(text)) refuse(where, problems.dtype(text, Object.keys(DTYPE_BYTES)));
      dtype = text;
    } else if (field === 'shape')
      shape = readIntegers(cursor, 'the shape', () => refuse(where, problems.rank(MOST_DIMENSIONS)));
    else if (field === 'data_offsets') {
      offsets = readIntegers(cursor, '"data_offsets"', () => refuse(where, problems.offsetsCount(MOST_DIMENSIONS + 1)));
    } else refuse(where, problems.unknownField(name, field));
  });
  if (dtype === undefined) return refuse(where, problems.missingField(name, 'dtype'));
  if (shape === undefined) return refuse(where, problems.missingField(name, 'shape'));
  if (offsets === undefined) return refuse(where, problems.missingField(name, 'data_offsets'));
  const [begin, end] = offsets;
  if (begin === undefined || end === undefined || offsets.length > 2) {
    return refuse(where, problems.offsetsCount(offsets.length));
  }
  if (end < begin) refuse(where, problems.offsetsOrder({ begin, end }));
  const needed = byteLength(shape, DTYPE_BYTES[dtype]);
  if (needed === undefined) return refuse(where, problems.shapeOverflow(shape));
  if (needed !== end - begin) refuse(where, problems.sizeMismatch(dtype, shape, needed, { begin, end }));
  if (end > size - dataStart) refuse(where, problems.dataCut({ begin, end }, size - dataStart));
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

function readIntegers(cursor: JsonCursor, what: string, tooMany: () => never): number[] {
  const values: number[] = [];
  cursor.array(what, (index) => {
    if (index === MOST_DIMENSIONS) tooMany();
    values.push(cursor.integer(`element ${index} of ${what}`));
  });
  return values;
}

function isDtype(text: string): text is SafetensorsDtype {
  return Object.hasOwn(DTYPE_BYTES, text);
}

/** Product of shape and element size, or undefined when any partial product leaves the exact integers. */
export function byteLength(shape: readonly number[], elementBytes: number): number | undefined {
  let product = elementBytes;
  for (const size of shape) {
    product *= size;
    if (product > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return product;
}

/** Invariant 1. Empty tensors sort before the tensor that begins where they lie. */
function checkCover(entries: TensorEntry[], dataStart: number, size: number, file: string): void {
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const range = (e: TensorEntry): { begin: number; end: number } => ({
    begin: e.begin - dataStart,
    end: e.end - dataStart,
  });
  let previous: TensorEntry | undefined;
  for (const entry of entries) {
    const covered = previous?.end ?? dataStart;
    if (previous !== undefined && entry.begin < covered) {
      refuse({ file }, problems.overlap(previous.name, range(previous), entry.name, range(entry)));
    }
    if (entry.begin > covered) {
      const gap = { begin: covered - dataStart, end: entry.begin - dataStart };
      refuse({ file }, problems.hole(previous?.name, entry.name, gap));
    }
    previous = entry;
  }
  const covered = previous?.end ?? dataStart;
  if (covered < size)
    refuse({ file }, problems.trailing(previous?.name, { begin: covered - dataStart, end: size - dataStart }));
}
