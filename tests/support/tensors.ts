/**
 * A small safetensors reader and writer for tests that speak with the oracle, written apart from the product's reader so
 * that a test of one is not a test of itself. It knows F32, F64, I64, I32 and BOOL, trusts its files (the oracle or the
 * test wrote them) and leaves out every check of hostile input.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** A tensor as numbers; 64-bit integers are given as doubles, which is exact for token ids and labels. */
export interface TestTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type StoredType = 'F32' | 'F64' | 'I64' | 'I32' | 'BOOL';

/** A tensor to be written; `dtype` is F32 unless said. */
export interface TensorToWrite {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly dtype?: StoredType;
}

interface Entry {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const itemSize: Record<StoredType, number> = { F32: 4, F64: 8, I64: 8, I32: 4, BOOL: 1 };

/** All tensors of a safetensors file, in the order of its header. */
export function readTensors(path: string): Map<string, TestTensor> {
  const file = readFileSync(path);
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header: unknown = JSON.parse(file.toString('utf8', 8, 8 + headerBytes));
  const found = new Map<string, TestTensor>();
  for (const [name, value] of Object.entries(header as Record<string, Entry>)) {
    if (name === '__metadata__') continue;
    const [begin, end] = value.data_offsets;
    const bytes = file.subarray(8 + headerBytes + begin, 8 + headerBytes + end);
    found.set(name, { shape: value.shape, data: decode(bytes, value.dtype) });
  }
  return found;
}

/** Writes tensors in the order of the map. */
export function writeTensors(path: string, tensors: ReadonlyMap<string, TensorToWrite>): void {
  const header: Record<string, Entry> = {};
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const part = encode(tensor);
    header[name] = { dtype: tensor.dtype ?? 'F32', shape: tensor.shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const json = Buffer.from(JSON.stringify(header), 'utf8');
  // The header is padded so that the data begins at a multiple of eight, as the reference writer does.
  const padding = Buffer.alloc((8 - (json.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length + padding.length));
  writeFileSync(path, Buffer.concat([length, json, padding, ...parts]));
}

function decode(bytes: Buffer, dtype: StoredType): Float64Array {
  const out = new Float64Array(bytes.length / itemSize[dtype]);
  for (let i = 0; i < out.length; i++) out[i] = readItem(bytes, i * itemSize[dtype], dtype);
  return out;
}

function readItem(bytes: Buffer, at: number, dtype: StoredType): number {
  switch (dtype) {
    case 'F32':
      return bytes.readFloatLE(at);
    case 'F64':
      return bytes.readDoubleLE(at);
    case 'I64':
      return Number(bytes.readBigInt64LE(at));
    case 'I32':
      return bytes.readInt32LE(at);
    case 'BOOL':
      return bytes.readUInt8(at);
  }
}

function encode({ data, dtype = 'F32', shape }: TensorToWrite): Buffer {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) throw new Error(`shape [${shape.join(', ')}] needs ${count} numbers, got ${data.length}`);
  const bytes = Buffer.alloc(count * itemSize[dtype]);
  for (let i = 0; i < count; i++) {
    const at = i * itemSize[dtype];
    const value = data[i] ?? 0;
    if (dtype === 'F32') bytes.writeFloatLE(value, at);
    else if (dtype === 'F64') bytes.writeDoubleLE(value, at);
    else if (dtype === 'I64') bytes.writeBigInt64LE(BigInt(value), at);
    else if (dtype === 'I32') bytes.writeInt32LE(value, at);
    else bytes.writeUInt8(value, at);
  }
  return bytes;
}

/**
 * The parity rule of the project: max|a - b| <= tolerance * max(max|b|, floor * largest), where `largest` is the largest
 * entry of all tensors of the oracle. Gives the ratio of the two sides' difference and scale, to be compared with the
 * tolerance (1e-3), and infinity where shapes differ or a number is not finite.
 */
export function parityError(a: TestTensor, b: TestTensor, largest: number, floor = 1e-4): number {
  if (a.shape.join() !== b.shape.join()) return Infinity;
  let difference = 0;
  for (let i = 0; i < b.data.length; i++) {
    const delta = Math.abs((a.data[i] ?? NaN) - (b.data[i] ?? NaN));
    if (!Number.isFinite(delta)) return Infinity;
    difference = Math.max(difference, delta);
  }
  const scale = Math.max(maxAbs(b), floor * largest);
  return difference === 0 ? 0 : difference / scale;
}

/** Largest absolute entry of one tensor. */
export function maxAbs(tensor: TestTensor): number {
  let largest = 0;
  for (const value of tensor.data) largest = Math.max(largest, Math.abs(value));
  return largest;
}
