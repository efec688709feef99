/** Reading and writing safetensors: round trips, exact offsets, conversions, and files that change under the reader. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BugError } from '../../../engine/base/errors.ts';
import {
  countNonFinite,
  encodeSafetensors,
  float32BitsOfFloat16,
  openSafetensors,
  readFloat32,
  readTensor,
  tensorChunks,
  writeSafetensors,
  type TensorToWrite,
} from '../../../engine/checkpoints/safetensors.ts';
import { DTYPE_BYTES, type SafetensorsDtype } from '../../../engine/checkpoints/safetensorsHeader.ts';
import { entryJson, fileOf, parseBytes, refusalsOf, seeded, temporaryFolder } from './helpers.ts';

function floats(name: string, shape: readonly number[], values: readonly number[]): TensorToWrite {
  return { name, dtype: 'F32', shape, data: Float32Array.from(values) };
}

function writeTemporary(tensors: readonly TensorToWrite[], metadata?: ReadonlyMap<string, string>): string {
  const path = join(temporaryFolder(), 'model.safetensors');
  writeSafetensors(path, tensors, metadata);
  return path;
}

describe('round trip', () => {
  test('every dtype, shape, name and metadata entry comes back, at exact offsets', () => {
    const random = seeded(7);
    const dtypes = Object.keys(DTYPE_BYTES) as SafetensorsDtype[];
    const shapes = [[], [0], [1], [3, 5], [2, 0, 4], [1000, 33]];
    const names = ['plain', '__proto__', 'constructor', '../../x', 'ü.名.😀', '"quoted\\"', 'a b'];
    const tensors = dtypes.flatMap((dtype) =>
      shapes.map((shape, i): TensorToWrite => {
        const bytes = new Uint8Array(shape.reduce((a, b) => a * b, DTYPE_BYTES[dtype])).map(() =>
          Math.floor(random() * 256),
        );
        return { name: `${names[i % names.length]}.${dtype}.${i}`, dtype, shape, data: bytes };
      }),
    );
    const metadata = new Map([
      ['format', 'pt'],
      ['__proto__', 'text with "quotes"\nand lines'],
    ]);
    const path = writeTemporary(tensors, metadata);
    const file = openSafetensors(path);
    const raw = readFileSync(path);
    expect(new Map(file.metadata)).toEqual(metadata);
    expect([...file.tensors.keys()].sort()).toEqual(tensors.map((t) => t.name).sort());
    for (const t of tensors) {
      const entry = file.tensors.get(t.name)!;
      expect([entry.dtype, entry.shape]).toEqual([t.dtype, t.shape]);
      expect(entry.begin % DTYPE_BYTES[t.dtype]).toBe(0);
      const read = readTensor(file, t.name);
      expect(read.length).toBe(t.shape.reduce((a, b) => a * b, 1));
      const bytes = new Uint8Array(read.buffer, read.byteOffset, read.byteLength);
      expect(Buffer.compare(bytes, t.data as Uint8Array)).toBe(0);
      expect(Buffer.compare(raw.subarray(entry.begin, entry.end), bytes)).toBe(0);
    }
    expect(file.dataStart % 8).toBe(0);
    expect(({} as Record<string, unknown>)['dtype']).toBeUndefined();
  });

  test('the same tensors give the same bytes in any order, and lazily', () => {
    const a = floats('a', [2], [1, 2]);
    const b: TensorToWrite = { name: 'b', dtype: 'I64', shape: [1], data: BigInt64Array.of(5n) };
    const metadata = new Map([
      ['x', '1'],
      ['a', '2'],
    ]);
    const bytes = encodeSafetensors([a, b], metadata);
    const reversed = new Map([...metadata].reverse());
    expect(encodeSafetensors([{ ...b, data: () => BigInt64Array.of(5n) }, a], reversed)).toEqual(bytes);
    expect([...parseBytes(bytes).tensors.keys()]).toEqual(['b', 'a']);
    expect(readFileSync(writeTemporary([b, a], metadata))).toEqual(bytes);
  });

  test('the bytes are those of the reference writer', () => {
    const tensors = [floats('z.weight', [2, 2], [1, 2, 3, 4]), floats('ü', [1], [5]), floats('a', [0], [])];
    const mixed: TensorToWrite = { name: 'm', dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, -1n) };
    const code = `
import sys, numpy as np
from safetensors.numpy import save
f = np.float32
sys.stdout.buffer.write(save({'z.weight': np.array([[1, 2], [3, 4]], f), 'ü': np.array([5], f), 'a': np.zeros([0], f),
  'm': np.array([1, -1], np.int64)}, {'format': 'pt'}))`;
    const run = spawnSync('.cache/venv/bin/python', ['-X', 'utf8', '-c', code]);
    expect(run.stderr.toString()).toBe('');
    expect(Buffer.from(encodeSafetensors([...tensors, mixed], new Map([['format', 'pt']])))).toEqual(run.stdout);
  });

  test('an empty file holds no tensor', () => {
    expect(parseBytes(encodeSafetensors([])).tensors.size).toBe(0);
  });
});

describe('what the writer refuses as a bug', () => {
  const cases: readonly (readonly [string, readonly TensorToWrite[], RegExp])[] = [
    ['a duplicate name', [floats('a', [1], [1]), floats('a', [1], [2])], /cannot be read back/],
    ['an empty name', [floats('', [1], [1])], /cannot be read back/],
    ['a control character', [floats('a\n', [1], [1])], /cannot be read back/],
    ['half of a surrogate pair', [floats('\ud800', [1], [1])], /cannot be read back/],
    ['the name of the metadata', [floats('__metadata__', [1], [1])], /cannot be read back/],
    ['a negative dimension', [floats('a', [-1], [])], /cannot be read back/],
    ['too few values', [floats('a', [3], [1])], /takes 12 bytes, got 4/],
  ];
  test.each(cases)('%s', (_, tensors, message) => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.safetensors');
    writeFileSync(path, 'old');
    expect(() => writeSafetensors(path, tensors)).toThrow(BugError);
    expect(() => writeSafetensors(path, tensors)).toThrow(message);
    expect(readdirSync(folder)).toEqual(['x.safetensors']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  test('a folder that is a file is refused in words', () => {
    const path = join(temporaryFolder(), 'x');
    writeFileSync(path, '');
    const found = refusalsOf(() => writeSafetensors(join(path, 'y'), [floats('a', [1], [1])]));
    expect(found[0]?.code).toMatch(/^file-/);
  });
});

describe('numbers', () => {
  const halves = [0, 1, 0x3ff, 0x400, 0x3c00, 0x7bff, 0x8000, 0x8001, 0xc000, 0x7c00, 0xfc00, 0x7e00, 0x3555];

  test('float16 converts exactly, all 65536 patterns', () => {
    const view = new DataView(new ArrayBuffer(4));
    for (let half = 0; half < 65536; half++) {
      view.setUint32(0, float32BitsOfFloat16(half));
      const sign = half & 0x8000 ? -1 : 1;
      const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
      const expected =
        exponent === 31
          ? fraction === 0
            ? sign * Infinity
            : NaN
          : sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
      if (!Object.is(view.getFloat32(0), expected)) throw new Error(`float16 0x${half.toString(16)}`);
    }
  });

  test('F16, BF16, F64 and F32 read as float32; integers are refused', () => {
    const file = openSafetensors(
      writeTemporary([
        { name: 'half', dtype: 'F16', shape: [halves.length], data: Uint16Array.from(halves) },
        { name: 'brain', dtype: 'BF16', shape: [4], data: Uint16Array.of(0x3f80, 0xbf80, 0x0001, 0x7f80) },
        { name: 'double', dtype: 'F64', shape: [3], data: Float64Array.of(0.1, 1e300, -2) },
        { name: 'single', dtype: 'F32', shape: [2], data: Float32Array.of(0.1, 7) },
        { name: 'long', dtype: 'I64', shape: [1], data: BigInt64Array.of(1n) },
      ]),
    );
    expect([...readFloat32(file, 'half').subarray(0, 6)]).toEqual([0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, 65504]);
    expect([...readFloat32(file, 'brain')]).toEqual([1, -1, 2 ** -133, Infinity]);
    expect([...readFloat32(file, 'double')]).toEqual([Math.fround(0.1), Infinity, -2]);
    expect([...readFloat32(file, 'single')]).toEqual([Math.fround(0.1), 7]);
    const found = refusalsOf(() => readFloat32(file, 'long'));
    expect(found[0]).toMatchObject({ code: 'tensor-dtype', found: 'I64', where: { tensor: 'long' } });
    expect(readTensor(file, 'long')).toEqual(BigInt64Array.of(1n));
  });

  test('NaN and infinity are counted in every float type', () => {
    const file = openSafetensors(
      writeTemporary([
        { name: 'half', dtype: 'F16', shape: [4], data: Uint16Array.of(0x7c00, 0x7e01, 0x7bff, 0xfc00) },
        { name: 'brain', dtype: 'BF16', shape: [3], data: Uint16Array.of(0x7f80, 0x7f7f, 0xffc0) },
        { name: 'double', dtype: 'F64', shape: [3], data: Float64Array.of(NaN, 1e308, -Infinity) },
        { name: 'single', dtype: 'F32', shape: [3], data: Float32Array.of(NaN, 0, 1) },
        { name: 'byte', dtype: 'U8', shape: [2], data: Uint8Array.of(255, 127) },
      ]),
    );
    expect(['half', 'brain', 'double', 'single', 'byte'].map((n) => countNonFinite(file, n))).toEqual([3, 2, 2, 1, 0]);
  });

  test('tensors larger than a chunk, at an odd offset of the file', () => {
    const count = 2 * 1024 * 1024 + 5;
    const values = Float32Array.from({ length: count }, (_, i) => (i % 1000) / 8);
    values[count - 1] = NaN;
    const header = `{${entryJson('x', 'U8', [1], 0, 1)},${entryJson('big', 'F32', [count], 1, 1 + 4 * count)}}`;
    const path = join(temporaryFolder(), 'odd.safetensors');
    writeFileSync(path, fileOf(header, Buffer.concat([Uint8Array.of(1), new Uint8Array(values.buffer)])));
    const file = openSafetensors(path);
    expect(Buffer.compare(new Uint8Array(readFloat32(file, 'big').buffer), new Uint8Array(values.buffer))).toBe(0);
    expect(countNonFinite(file, 'big')).toBe(1);
    expect([...tensorChunks(file, file.tensors.get('big')!)].map((c) => c.length)).toEqual([4 << 20, 4 << 20, 20]);
  });
});

describe('reading safely', () => {
  test('an unknown tensor is refused with the nearest names', () => {
    const names = [
      'encoder.layer.0.attention.self.query.weight',
      'encoder.layer.0.attention.self.key.weight',
      'pooler.dense.bias',
    ];
    const file = openSafetensors(writeTemporary(names.map((n) => floats(n, [1], [1]))));
    const found = refusalsOf(() => readTensor(file, 'encoder.layer.0.attention.self.query.weights'));
    expect(found[0]?.code).toBe('tensor-missing');
    expect(found[0]?.found).toContain('encoder.layer.0.attention.self.query.weight');
    expect(found[0]?.found).not.toContain('pooler');
  });

  test('a file that was replaced or written to after opening is refused', () => {
    const path = writeTemporary([floats('a', [2], [1, 2])]);
    const file = openSafetensors(path);
    writeSafetensors(`${path}.new`, [floats('a', [2], [3, 4])]);
    renameSync(`${path}.new`, path);
    expect(refusalsOf(() => readTensor(file, 'a'))[0]?.code).toBe('safetensors-changed');
    expect(refusalsOf(() => countNonFinite(file, 'a'))[0]?.code).toBe('safetensors-changed');
    const again = openSafetensors(path);
    writeFileSync(path, readFileSync(path).subarray(0, -1));
    expect(refusalsOf(() => readTensor(again, 'a'))[0]?.code).toBe('safetensors-changed');
  });

  test('a file that vanished is refused in words', () => {
    const path = writeTemporary([floats('a', [1], [1])]);
    const file = openSafetensors(path);
    renameSync(path, `${path}.gone`);
    expect(refusalsOf(() => readTensor(file, 'a'))[0]?.code).toBe('file-missing');
  });
});
