/**
 * Opening safetensors files and reading single tensors. A `SafetensorsFile` is plain data and holds no open descriptor:
 * each read opens the file, proves that it is still the one whose header was checked, and reads only the bytes of its
 * tensor. Offsets are absolute, so that a backend can map the weights from the file itself. Values are not judged here:
 * `countNonFinite` tells of NaN and infinity. All supported platforms are little-endian, as the format is.
 */
import { closeSync, fstatSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { resolve } from 'node:path';
import { notAFile } from './jsonFile.ts';
import { refuse, shorten, withSystemErrors } from './refusal.ts';
import { DTYPE_BYTES, HEAD_BYTES, headerLength, parseHeader } from './safetensorsHeader.ts';
import type { SafetensorsDtype, SafetensorsLayout, TensorEntry } from './safetensorsHeader.ts';
import { SAFETENSORS_PROBLEMS as problems } from './safetensorsMessages.ts';

export type { SafetensorsDtype, TensorEntry } from './safetensorsHeader.ts';
export { encodeSafetensors, safetensorsParts, writeSafetensors, type TensorToWrite } from './safetensorsWriter.ts';

export interface SafetensorsFile extends SafetensorsLayout {
  /** Absolute path. */
  readonly path: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** Changes when the file is replaced or written to: device, inode, size and time of modification. */
  readonly stamp: string;
}

/** F16 and BF16 come as their bit patterns in a `Uint16Array`, BOOL as bytes of 0 and 1. */
export interface TensorArrays {
  readonly F64: Float64Array<ArrayBuffer>;
  readonly F32: Float32Array<ArrayBuffer>;
  readonly F16: Uint16Array<ArrayBuffer>;
  readonly BF16: Uint16Array<ArrayBuffer>;
  readonly I64: BigInt64Array<ArrayBuffer>;
  readonly I32: Int32Array<ArrayBuffer>;
  readonly I16: Int16Array<ArrayBuffer>;
  readonly I8: Int8Array<ArrayBuffer>;
  readonly U64: BigUint64Array<ArrayBuffer>;
  readonly U32: Uint32Array<ArrayBuffer>;
  readonly U16: Uint16Array<ArrayBuffer>;
  readonly U8: Uint8Array<ArrayBuffer>;
  readonly BOOL: Uint8Array<ArrayBuffer>;
}

export type TensorData = TensorArrays[SafetensorsDtype];

const arrayOf: { readonly [K in SafetensorsDtype]: (buffer: ArrayBuffer) => TensorArrays[K] } = {
  F64: (b) => new Float64Array(b),
  F32: (b) => new Float32Array(b),
  F16: (b) => new Uint16Array(b),
  BF16: (b) => new Uint16Array(b),
  I64: (b) => new BigInt64Array(b),
  I32: (b) => new Int32Array(b),
  I16: (b) => new Int16Array(b),
  I8: (b) => new Int8Array(b),
  U64: (b) => new BigUint64Array(b),
  U32: (b) => new Uint32Array(b),
  U16: (b) => new Uint16Array(b),
  U8: (b) => new Uint8Array(b),
  BOOL: (b) => new Uint8Array(b),
};

/** A multiple of every element size, so that no element lies across two chunks. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * Opens and checks a file. Wrong lengths are refused from the first 9 bytes and the size of the file; at most the
 * header is read into memory. Throws a `UserError` that names the tensors and byte ranges at fault.
 */
export function openSafetensors(path: string): SafetensorsFile {
  return withSystemErrors(path, 'opening it', () => {
    if (!statSync(path).isFile()) refuse({ file: path }, notAFile);
    const fd = openSync(path, 'r');
    try {
      const stat = fstatSync(fd, { bigint: true });
      const size = Number(stat.size);
      const head = Buffer.alloc(HEAD_BYTES);
      const length = headerLength(head.subarray(0, readInto(fd, head, 0)), size, path);
      const header = Buffer.allocUnsafe(length);
      if (readInto(fd, header, 8) !== length) refuse({ file: path }, problems.changed());
      return { path: resolve(path), size, stamp: stampOf(stat), ...parseHeader(header, size, path) };
    } finally {
      closeSync(fd);
    }
  });
}

/** The entry of a tensor; an unknown name is refused with the nearest names. */
export function tensorEntry(file: SafetensorsFile, name: string): TensorEntry {
  const entry = file.tensors.get(name);
  return (
    entry ?? refuse({ file: file.path }, problems.noTensor(shorten(name), nearestNames(name, file.tensors.keys())))
  );
}

/** A copy of a tensor in its own dtype (`TensorArrays`), in row-major order. */
export function readTensor(file: SafetensorsFile, name: string): TensorData {
  const entry = tensorEntry(file, name);
  const bytes = allocate(file, entry, entry.end - entry.begin);
  withTensor(file, (fd) => readOrRefuse(fd, new Uint8Array(bytes), entry.begin, file));
  return arrayOf[entry.dtype](bytes);
}

/** A tensor of F32, F16, BF16 or F64 as float32, in row-major order; values of F64 are rounded. */
export function readFloat32(file: SafetensorsFile, name: string): Float32Array<ArrayBuffer> {
  const entry = tensorEntry(file, name);
  if (entry.dtype === 'F32') return readTensor(file, name) as Float32Array<ArrayBuffer>;
  const toFloat32 =
    floatConversions.get(entry.dtype) ??
    refuse({ file: file.path, tensor: shorten(name) }, problems.notFloat(entry.dtype));
  const count = (entry.end - entry.begin) / DTYPE_BYTES[entry.dtype];
  const values = new Float32Array(allocate(file, entry, count * 4));
  let done = 0;
  for (const chunk of tensorChunks(file, entry)) done += toFloat32(chunk, values, done);
  return values;
}

/** How many values of a tensor are NaN or infinite; 0 for tensors of integers. */
export function countNonFinite(file: SafetensorsFile, name: string): number {
  const entry = tensorEntry(file, name);
  const isFloat = entry.dtype === 'F32' || floatConversions.has(entry.dtype);
  if (!isFloat) return 0;
  let count = 0;
  for (const chunk of tensorChunks(file, entry)) count += nonFiniteIn(chunk, entry.dtype);
  return count;
}

/** The bytes of a tensor in chunks of at most 4 MiB. A chunk is valid until the next one is asked for. */
export function* tensorChunks(file: SafetensorsFile, entry: TensorEntry): Generator<Uint8Array<ArrayBuffer>> {
  const buffer = new ArrayBuffer(Math.min(CHUNK_BYTES, entry.end - entry.begin));
  const fd = openUnchanged(file);
  try {
    for (let at = entry.begin; at < entry.end; at += CHUNK_BYTES) {
      const chunk = new Uint8Array(buffer, 0, Math.min(CHUNK_BYTES, entry.end - at));
      readOrRefuse(fd, chunk, at, file);
      yield chunk;
    }
    requireUnchanged(fd, file);
  } finally {
    closeSync(fd);
  }
}

/** The names that share most dotted parts with `name`, best first; none that shares fewer than half. */
export function nearestNames(name: string, names: Iterable<string>, limit = 3): string[] {
  const parts = name.split('.');
  const scored: { readonly candidate: string; readonly shared: number }[] = [];
  for (const candidate of names) {
    const others = new Set(candidate.split('.'));
    const shared = parts.filter((p) => others.has(p)).length - Math.abs(others.size - parts.length) / 8;
    if (shared >= parts.length / 2) scored.push({ candidate, shared });
  }
  scored.sort((a, b) => b.shared - a.shared || (a.candidate < b.candidate ? -1 : 1));
  return scored.slice(0, limit).map((s) => s.candidate);
}

/** Converts a chunk into `out` from index `at`, and returns how many values it wrote. */
type FloatConversion = (chunk: Uint8Array<ArrayBuffer>, out: Float32Array, at: number) => number;

const floatConversions: ReadonlyMap<SafetensorsDtype, FloatConversion> = new Map<SafetensorsDtype, FloatConversion>([
  [
    'F64',
    (chunk, out, at) => {
      const values = new Float64Array(chunk.buffer, 0, chunk.length / 8);
      out.set(values, at);
      return values.length;
    },
  ],
  [
    'BF16',
    (chunk, out, at) => {
      const halves = new Uint16Array(chunk.buffer, 0, chunk.length / 2);
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let i = 0; i < halves.length; i++) bits[at + i] = halves[i]! << 16;
      return halves.length;
    },
  ],
  [
    'F16',
    (chunk, out, at) => {
      const halves = new Uint16Array(chunk.buffer, 0, chunk.length / 2);
      const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
      for (let i = 0; i < halves.length; i++) bits[at + i] = float32BitsOfFloat16(halves[i]!);
      return halves.length;
    },
  ],
]);

/**
 * IEEE 754 binary16 to binary32, exactly. A normal number moves its exponent by 127 - 15 = 112; a subnormal
 * f x 2^-24 is shifted until its leading bit becomes the implicit one; infinity and NaN keep their fraction.
 */
export function float32BitsOfFloat16(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** A float is NaN or infinite exactly when all bits of its exponent are set. */
function nonFiniteIn(chunk: Uint8Array<ArrayBuffer>, dtype: SafetensorsDtype): number {
  let count = 0;
  if (dtype === 'F16' || dtype === 'BF16') {
    const mask = dtype === 'F16' ? 0x7c00 : 0x7f80;
    for (const bits of new Uint16Array(chunk.buffer, 0, chunk.length / 2)) if ((bits & mask) === mask) count++;
    return count;
  }
  const values =
    dtype === 'F32'
      ? new Float32Array(chunk.buffer, 0, chunk.length / 4)
      : new Float64Array(chunk.buffer, 0, chunk.length / 8);
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) count++;
  return count;
}

function allocate(file: SafetensorsFile, entry: TensorEntry, bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse({ file: file.path, tensor: shorten(entry.name) }, problems.noMemory(bytes));
  }
}

function withTensor(file: SafetensorsFile, body: (fd: number) => void): void {
  const fd = openUnchanged(file);
  try {
    body(fd);
    requireUnchanged(fd, file);
  } finally {
    closeSync(fd);
  }
}

function openUnchanged(file: SafetensorsFile): number {
  const fd = withSystemErrors(file.path, 'reading it', () => openSync(file.path, 'r'));
  try {
    requireUnchanged(fd, file);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function requireUnchanged(fd: number, file: SafetensorsFile): void {
  if (stampOf(fstatSync(fd, { bigint: true })) !== file.stamp) refuse({ file: file.path }, problems.changed());
}

/** A string that changes with the identity, size and time of modification of a file. */
export function stampOf(stat: BigIntStats): string {
  return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}`;
}

function readOrRefuse(fd: number, target: Uint8Array, position: number, file: SafetensorsFile): void {
  const read = withSystemErrors(file.path, 'reading it', () => readInto(fd, target, position));
  if (read !== target.length) refuse({ file: file.path }, problems.changed());
}

/** Fills `target` from `position`, and returns how many bytes there were. `readSync` takes at most 2^31 - 1 at once. */
function readInto(fd: number, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const wanted = Math.min(target.length - done, 2 ** 30);
    const read = readSync(fd, target, done, wanted, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}
