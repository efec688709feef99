/** The table of malformed files: each is refused with exactly this code and these words, and nothing else is thrown. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { openSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { entryJson, fileOf, parseBytes, refusalsOf, temporaryFolder } from './helpers.ts';

const four = new Uint8Array(4);
const eight = new Uint8Array(8);
const good = entryJson('a', 'F32', [1], 0, 4);

interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  /** Parts of the sentence that the person reads. */
  readonly says: readonly string[];
}

const cases: readonly Case[] = [
  { name: 'empty file', bytes: new Uint8Array(), code: 'safetensors-truncated', says: ['too short', '0 bytes'] },
  { name: 'seven bytes', bytes: new Uint8Array(7), code: 'safetensors-truncated', says: ['7 bytes'] },
  { name: 'length 0', bytes: fileOf(''), code: 'safetensors-header-start', says: ['too short to be a JSON object'] },
  { name: 'length 1', bytes: fileOf('{'), code: 'safetensors-header-start', says: ['1 bytes'] },
  {
    name: 'length 2^63',
    bytes: fileOf('{}', four, 2n ** 63n),
    code: 'safetensors-header-too-large',
    says: ['9223372036854775808 bytes'],
  },
  {
    name: 'length 2^64-1',
    bytes: fileOf('{}', four, 2n ** 64n - 1n),
    code: 'safetensors-header-too-large',
    says: ['18446744073709551615'],
  },
  {
    name: 'length above 100 MB',
    bytes: fileOf('{}', four, 100_000_001n),
    code: 'safetensors-header-too-large',
    says: ['100000001 bytes'],
  },
  {
    name: 'length beyond the file',
    bytes: fileOf('{}', four, 100n),
    code: 'safetensors-truncated',
    says: ['ends inside its header', '100 bytes', '14 bytes'],
  },
  {
    name: 'length one beyond the file',
    bytes: fileOf('{}', new Uint8Array(), 3n),
    code: 'safetensors-truncated',
    says: ['ends inside its header'],
  },
  {
    name: 'git lfs pointer',
    bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
    code: 'safetensors-git-pointer',
    says: ['git lfs pull'],
  },
  {
    name: 'zip archive of PyTorch',
    bytes: Buffer.from('PK\x03\x04\x14\x00\x08\x08\x08\x00', 'latin1'),
    code: 'safetensors-pickle',
    says: ['never read'],
  },
  { name: 'leading space', bytes: fileOf(` {${good}}`, four), code: 'safetensors-header-start', says: ['byte 0x20'] },
  {
    name: 'leading byte order mark',
    bytes: fileOf(`\ufeff{${good}}`, four),
    code: 'safetensors-header-start',
    says: ['byte 0xef'],
  },
  { name: 'array at the top', bytes: fileOf('[]'), code: 'safetensors-header-start', says: ['byte 0x5b'] },
  {
    name: 'NUL padding after the header',
    bytes: fileOf(`{${good}}\0`, four),
    code: 'safetensors-json',
    says: ['end of the header', '"\\u0000"'],
  },
  {
    name: 'newline padding',
    bytes: fileOf(`{${good}}\n`, four),
    code: 'safetensors-json',
    says: ['only spaces may pad it'],
  },
  { name: 'second object', bytes: fileOf(`{${good}}{}`, four), code: 'safetensors-json', says: ['end of the header'] },
  {
    name: 'unclosed object',
    bytes: fileOf(`{${good}`, four),
    code: 'safetensors-json',
    says: ['"," or "}"', 'the end'],
  },
  {
    name: 'trailing comma',
    bytes: fileOf(`{${good},}`, four),
    code: 'safetensors-json',
    says: ['a key of the header'],
  },
  { name: 'unquoted key', bytes: fileOf('{a:1}', four), code: 'safetensors-json', says: ['a key of the header'] },
  { name: 'missing colon', bytes: fileOf('{"a" 1}', four), code: 'safetensors-json', says: ['":" after the key'] },
  { name: 'unclosed string', bytes: fileOf('{"abc', four), code: 'safetensors-json', says: ['closing quote'] },
  { name: 'unclosed escape', bytes: fileOf('{"abc\\', four), code: 'safetensors-json', says: ['closing quote'] },
  {
    name: 'raw control character',
    bytes: fileOf('{"a\u0001":{}}', four),
    code: 'safetensors-json',
    says: ['escape for a control character'],
  },
  { name: 'unknown escape', bytes: fileOf('{"a\\x":{}}', four), code: 'safetensors-json', says: ['a valid escape'] },
  { name: 'lone surrogate', bytes: fileOf('{"\\ud800":{}}', four), code: 'safetensors-json', says: ['surrogate'] },
  {
    name: 'bad UTF-8 in a name',
    bytes: fileOf(Buffer.from(`{${good}}`.replace('"a"', '"\xff"'), 'latin1'), four),
    code: 'safetensors-utf8',
    says: ['not valid UTF-8', 'byte 10'],
  },
  {
    name: 'overlong UTF-8',
    bytes: fileOf(Buffer.from('{"\xc0\xaf":{}}', 'latin1'), four),
    code: 'safetensors-utf8',
    says: ['not valid UTF-8'],
  },
  {
    name: 'deep JSON',
    bytes: fileOf(`{"a":${'['.repeat(1_000_000)}`, four),
    code: 'safetensors-structure',
    says: ['must be an object'],
  },
  {
    name: 'deep JSON in the shape',
    bytes: fileOf(`{"a":{"shape":${'['.repeat(1_000_000)}`, four),
    code: 'safetensors-structure',
    says: ['whole number'],
  },
  {
    name: 'deep JSON in the metadata',
    bytes: fileOf(`{"__metadata__":{"k":${'{"a":'.repeat(100_000)}`, four),
    code: 'safetensors-structure',
    says: ['must be a string'],
  },
  {
    name: 'duplicate tensor',
    bytes: fileOf(`{${good},${good}}`, four),
    code: 'safetensors-duplicate-key',
    says: ['"a" stands twice in the header'],
  },
  {
    name: 'duplicate tensor by an escape',
    bytes: fileOf(`{${good},${good.replace('"a"', '"\\u0061"')}}`, four),
    code: 'safetensors-duplicate-key',
    says: ['"a" stands twice'],
  },
  {
    name: 'duplicate metadata',
    bytes: fileOf('{"__metadata__":{},"__metadata__":{}}'),
    code: 'safetensors-duplicate-key',
    says: ['"__metadata__" stands twice'],
  },
  {
    name: 'duplicate key in the metadata',
    bytes: fileOf('{"__metadata__":{"k":"1","k":"2"}}'),
    code: 'safetensors-duplicate-key',
    says: ['"k" stands twice in "__metadata__"'],
  },
  {
    name: 'duplicate field',
    bytes: fileOf('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four),
    code: 'safetensors-duplicate-key',
    says: ['"dtype" stands twice', 'tensor "a"'],
  },
  {
    name: 'metadata is null',
    bytes: fileOf('{"__metadata__":null}'),
    code: 'safetensors-structure',
    says: ['"__metadata__" must be an object'],
  },
  {
    name: 'metadata value is a number',
    bytes: fileOf('{"__metadata__":{"k":1}}'),
    code: 'safetensors-structure',
    says: ['must be a string'],
  },
  {
    name: 'entry is an array',
    bytes: fileOf('{"a":["F32",[1],[0,4]]}', four),
    code: 'safetensors-structure',
    says: ['must be an object'],
  },
  {
    name: 'dtype is an object',
    bytes: fileOf('{"a":{"dtype":{"F32":null},"shape":[1],"data_offsets":[0,4]}}', four),
    code: 'safetensors-structure',
    says: ['the dtype must be a string'],
  },
  {
    name: 'unknown field',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"scale":1}}', four),
    code: 'safetensors-unknown-field',
    says: ['"scale"', 'tensor "a"'],
  },
  {
    name: 'missing dtype',
    bytes: fileOf('{"a":{"shape":[1],"data_offsets":[0,4]}}', four),
    code: 'safetensors-missing-field',
    says: ['no "dtype"'],
  },
  {
    name: 'missing shape',
    bytes: fileOf('{"a":{"dtype":"F32","data_offsets":[0,4]}}', four),
    code: 'safetensors-missing-field',
    says: ['no "shape"'],
  },
  {
    name: 'missing offsets',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1]}}', four),
    code: 'safetensors-missing-field',
    says: ['no "data_offsets"'],
  },
  {
    name: 'empty name',
    bytes: fileOf(`{${entryJson('', 'F32', [1], 0, 4)}}`, four),
    code: 'safetensors-name',
    says: ['empty name'],
  },
  {
    name: 'name with NUL',
    bytes: fileOf(`{${entryJson('a\0b', 'F32', [1], 0, 4)}}`, four),
    code: 'safetensors-name',
    says: ['control character', '"a\\u0000b"'],
  },
  {
    name: 'name with a C1 control',
    bytes: fileOf(`{${entryJson('a\u009bb', 'F32', [1], 0, 4)}}`, four),
    code: 'safetensors-name',
    says: ['control character'],
  },
  {
    name: 'unknown dtype',
    bytes: fileOf(`{${entryJson('a', 'F31', [1], 0, 4)}}`, four),
    code: 'safetensors-dtype',
    says: ['"F31"', 'F64'],
  },
  {
    name: 'dtype of the prototype',
    bytes: fileOf(`{${entryJson('a', '__proto__', [1], 0, 4)}}`, four),
    code: 'safetensors-dtype',
    says: ['"__proto__"'],
  },
  {
    name: '8-bit float',
    bytes: fileOf(`{${entryJson('a', 'F8_E4M3', [4], 0, 4)}}`, four),
    code: 'safetensors-dtype',
    says: ['"F8_E4M3"'],
  },
  {
    name: 'negative dimension',
    bytes: fileOf(`{${entryJson('a', 'F32', [-1], 0, 4)}}`, four),
    code: 'safetensors-structure',
    says: ['whole number that is 0 or more', '-1'],
  },
  {
    name: 'fraction as dimension',
    bytes: fileOf(`{${entryJson('a', 'F32', [1.5], 0, 4)}}`, four),
    code: 'safetensors-structure',
    says: ['without fraction'],
  },
  {
    name: 'float as dimension',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', four),
    code: 'safetensors-structure',
    says: ['without fraction'],
  },
  {
    name: 'exponent as dimension',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', four),
    code: 'safetensors-structure',
    says: ['without fraction'],
  },
  {
    name: 'leading zero',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}', four),
    code: 'safetensors-json',
    says: ['leading zeros'],
  },
  {
    name: 'string as dimension',
    bytes: fileOf('{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}', four),
    code: 'safetensors-structure',
    says: ['whole number'],
  },
  {
    name: 'dimension 2^53 + 1',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[0,9007199254740993],"data_offsets":[0,0]}}'),
    code: 'safetensors-integer',
    says: ['2^53 - 1', '9007199254740993'],
  },
  {
    name: 'offset 2^64',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]}}'),
    code: 'safetensors-integer',
    says: ['"data_offsets"'],
  },
  {
    name: 'shape overflow',
    bytes: fileOf(`{${entryJson('a', 'F32', [2 ** 31, 2 ** 31], 0, 4)}}`, four),
    code: 'safetensors-overflow',
    says: ['[2147483648, 2147483648]'],
  },
  {
    name: 'shape overflow before a zero',
    bytes: fileOf(`{${entryJson('a', 'F32', [2 ** 31, 2 ** 31, 0], 0, 0)}}`),
    code: 'safetensors-overflow',
    says: ['2^53 bytes'],
  },
  {
    name: '65 dimensions',
    bytes: fileOf(`{${entryJson('a', 'F32', new Array<number>(65).fill(1), 0, 4)}}`, four),
    code: 'safetensors-rank',
    says: ['64 dimensions'],
  },
  {
    name: 'one offset',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}', four),
    code: 'safetensors-offsets',
    says: ['two numbers', '1 numbers'],
  },
  {
    name: 'three offsets',
    bytes: fileOf('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}', four),
    code: 'safetensors-offsets',
    says: ['3 numbers'],
  },
  {
    name: 'offsets backwards',
    bytes: fileOf(`{${entryJson('a', 'F32', [1], 4, 0)}}`, four),
    code: 'safetensors-offsets',
    says: ['ends before it begins', '4 to 0'],
  },
  {
    name: 'shape against offsets',
    bytes: fileOf(`{${entryJson('a', 'F32', [2], 0, 4)}}`, four),
    code: 'safetensors-size',
    says: ['[2] of F32 takes 8 bytes', 'gives the tensor 4'],
  },
  {
    name: 'truncated data',
    bytes: fileOf(`{${good},${entryJson('b', 'F32', [1], 4, 8)}}`, four),
    code: 'safetensors-truncated',
    says: ['"b"', '4 bytes', '4 too few', 'data bytes 4 to 8'],
  },
  {
    name: 'overlap',
    bytes: fileOf(`{${entryJson('a', 'F32', [2], 0, 8)},${entryJson('b', 'F32', [1], 4, 8)}}`, eight),
    code: 'safetensors-overlap',
    says: ['"a" (data bytes 0 to 8)', '"b" (data bytes 4 to 8)'],
  },
  {
    name: 'same range twice',
    bytes: fileOf(`{${good},${entryJson('b', 'F32', [1], 0, 4)}}`, four),
    code: 'safetensors-overlap',
    says: ['"a" (data bytes 0 to 4)', '"b" (data bytes 0 to 4)'],
  },
  {
    name: 'empty tensor inside another',
    bytes: fileOf(`{${good},${entryJson('b', 'F32', [0], 2, 2)}}`, four),
    code: 'safetensors-overlap',
    says: ['"b" (data bytes 2 to 2)'],
  },
  {
    name: 'hole at the start',
    bytes: fileOf(`{${entryJson('a', 'F32', [1], 4, 8)}}`, eight),
    code: 'safetensors-hole',
    says: ['data bytes 0 to 4', 'before "a"'],
  },
  {
    name: 'hole in the middle',
    bytes: fileOf(`{${good},${entryJson('b', 'F32', [1], 8, 12)}}`, new Uint8Array(12)),
    code: 'safetensors-hole',
    says: ['data bytes 4 to 8', 'between "a" and "b"'],
  },
  {
    name: 'trailing byte',
    bytes: fileOf(`{${good}}`, new Uint8Array(5)),
    code: 'safetensors-trailing',
    says: ['data bytes 4 to 5', 'the last tensor, "a"'],
  },
  { name: 'data without tensors', bytes: fileOf('{}', four), code: 'safetensors-trailing', says: ['an empty header'] },
];

describe('malformed safetensors files', () => {
  test.each(cases)('$name', ({ bytes, code, says }) => {
    const path = join(temporaryFolder(), 'model.safetensors');
    writeFileSync(path, bytes);
    const found = refusalsOf(() => openSafetensors(path));
    expect(found.map((d) => d.code)).toEqual([code]);
    const text = formatDiagnostic(found[0]!);
    for (const part of [path, ...says]) expect(text).toContain(part);
    expect(found[0]!.fix).toMatch(/\.$/);
  });

  test('huge lengths are refused, whatever the file claims', () => {
    const path = join(temporaryFolder(), 'model.safetensors');
    writeFileSync(path, fileOf('{}', new Uint8Array(4), 99_999_999n));
    expect(refusalsOf(() => openSafetensors(path))[0]?.code).toBe('safetensors-truncated');
  });

  test('more than 100,000 tensors are refused, and 100,000 are read', () => {
    const many = (n: number): Buffer =>
      fileOf(`{${Array.from({ length: n }, (_, i) => entryJson(`t${i}`, 'F32', [0], 0, 0)).join(',')}}`);
    expect(parseBytes(many(100_000)).tensors.size).toBe(100_000);
    expect(refusalsOf(() => parseBytes(many(100_001)))[0]?.message).toContain('more than 100000 tensors');
  });

  test('more than 100,000 entries of metadata are refused', () => {
    const entries = Array.from({ length: 100_001 }, (_, i) => `"k${i}":""`).join(',');
    expect(refusalsOf(() => parseBytes(fileOf(`{"__metadata__":{${entries}}}`)))[0]?.code).toBe('safetensors-too-many');
  });

  test('a long name is cut in the message', () => {
    const name = 'x'.repeat(100_000);
    const found = refusalsOf(() => parseBytes(fileOf(`{${entryJson(name, 'F99', [1], 0, 4)}}`, four)));
    expect(found[0]?.code).toBe('safetensors-dtype');
    expect(formatDiagnostic(found[0]!).length).toBeLessThan(400);
  });

  test('a folder and a missing file are refused in words', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'model.safetensors'));
    expect(refusalsOf(() => openSafetensors(join(folder, 'model.safetensors')))[0]?.code).toBe('file-kind');
    expect(refusalsOf(() => openSafetensors(join(folder, 'none')))[0]?.code).toBe('file-missing');
  });
});
