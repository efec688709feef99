/** Model folders: one file or shards, what disagrees with the index, content hashes, old names, other formats. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { openCheckpoint, tensorNameAliases, type Checkpoint } from '../../../engine/checkpoints/checkpoint.ts';
import { writeSafetensors } from '../../../engine/checkpoints/safetensors.ts';
import { refusalsOf, temporaryFolder } from './helpers.ts';

const CONFIG = '{"model_type": "bert", "hidden_size": 4}';
type Tensors = Readonly<Record<string, readonly number[]>>;
const LONG_AGO = new Date('2020-01-01T00:00:00Z');

function writeTensors(path: string, tensors: Tensors): void {
  writeSafetensors(
    path,
    Object.entries(tensors).map(([name, v]) => ({ name, dtype: 'F32', shape: [v.length], data: Float32Array.from(v) })),
  );
  utimesSync(path, LONG_AGO, LONG_AGO);
}

function single(tensors: Tensors, config = CONFIG): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), config);
  writeTensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}

function sharded(shards: Readonly<Record<string, Tensors>>, map: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), CONFIG);
  for (const [name, tensors] of Object.entries(shards)) writeTensors(join(folder, name), tensors);
  writeFileSync(
    join(folder, 'model.safetensors.index.json'),
    JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }),
  );
  return folder;
}

const open = (folder: string, home = join(temporaryFolder(), 'home')): Checkpoint => openCheckpoint(folder, { home });

describe('opening', () => {
  test('a single file', () => {
    const checkpoint = open(single({ a: [1, 2], b: [3] }));
    expect(checkpoint.config).toEqual(JSON.parse(CONFIG));
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect([...checkpoint.read('a')]).toEqual([1, 2]);
    expect([...checkpoint.readFloat32('b')]).toEqual([3]);
    const { file, entry } = checkpoint.tensors.get('b')!;
    expect(readFileSync(file.path).readFloatLE(entry.begin)).toBe(3);
    expect(refusalsOf(() => checkpoint.read('c'))[0]).toMatchObject({ code: 'tensor-missing' });
  });

  test('shards, each tensor in its file', () => {
    const folder = sharded(
      { 'm-1.safetensors': { a: [1] }, 'm-2.safetensors': { b: [2], c: [3] } },
      { a: 'm-1.safetensors', b: 'm-2.safetensors', c: 'm-2.safetensors' },
    );
    const checkpoint = open(folder);
    expect(checkpoint.files.map((f) => f.path)).toEqual([
      join(folder, 'm-1.safetensors'),
      join(folder, 'm-2.safetensors'),
    ]);
    expect(['a', 'b', 'c'].map((n) => checkpoint.read(n)[0])).toEqual([1, 2, 3]);
  });

  test('a single file goes before shards, as in transformers', () => {
    const folder = sharded({ 'm-1.safetensors': { a: [1] } }, { a: 'm-1.safetensors' });
    writeTensors(join(folder, 'model.safetensors'), { a: [7] });
    expect([...open(folder).read('a')]).toEqual([7]);
  });
});

describe('refusals', () => {
  const two: Readonly<Record<string, Tensors>> = { 'm-1.safetensors': { a: [1] }, 'm-2.safetensors': { b: [2] } };
  const good = { a: 'm-1.safetensors', b: 'm-2.safetensors' };
  const cases: readonly (readonly [string, () => string, readonly string[], RegExp])[] = [
    ['no such folder', () => '/nowhere/at/all', ['checkpoint-missing'], /no such model folder/],
    ['no config', () => temporaryFolder(), ['checkpoint-no-config'], /no config.json/],
    [
      'an adapter',
      () => withFile(temporaryFolder(), 'adapter_config.json', '{}'),
      ['checkpoint-is-adapter'],
      /not a whole model/,
    ],
    ['config is an array', () => single({ a: [1] }, '[1]'), ['checkpoint-config'], /JSON object/],
    ['config is broken', () => single({ a: [1] }, '{"a": NaN}'), ['checkpoint-config-json'], /byte 6/],
    [
      'config with a duplicate',
      () => single({ a: [1] }, '{"a": {"b": 1, "b": 2}}'),
      ['checkpoint-config-duplicate-key'],
      /"b" stands twice/,
    ],
    [
      'config 65 levels deep',
      () => single({ a: [1] }, `{"a":${'['.repeat(64)}${']'.repeat(64)}}`),
      ['checkpoint-config-structure'],
      /64 levels/,
    ],
    [
      'only a pickle',
      () => withFile(withFile(temporaryFolder(), 'config.json', CONFIG), 'pytorch_model.bin', 'x'),
      ['checkpoint-not-safetensors'],
      /pytorch_model.bin.*safe_serialization/,
    ],
    ['no weights', () => withFile(temporaryFolder(), 'config.json', CONFIG), ['checkpoint-no-weights'], /neither/],
    ['no tensors', () => single({}), ['checkpoint-empty'], /no tensor/],
    [
      'missing shard',
      () => sharded({ 'm-1.safetensors': { a: [1] } }, good),
      ['index-shard-missing'],
      /"m-2.safetensors" is missing; 1 tensors are in it: "b"/,
    ],
    [
      'all disagreements at once',
      () => sharded(two, { a: 'm-1.safetensors', x: 'm-1.safetensors', b: 'm-3.safetensors' }),
      ['index-tensor-missing', 'index-shard-missing'],
      /"x".*\n.*"m-3/,
    ],
    [
      'tensor that is not listed',
      () => sharded({ ...two, 'm-2.safetensors': { b: [2], c: [1] } }, good),
      ['index-tensor-unlisted'],
      /"c"/,
    ],
    [
      'tensor in two shards',
      () => sharded({ ...two, 'm-2.safetensors': { b: [2], a: [1] } }, good),
      ['index-tensor-twice'],
      /"a" is both in "m-1.safetensors" and in "m-2.safetensors"/,
    ],
    [
      'shard that is a path',
      () => sharded(two, { ...good, b: '../m-2.safetensors' }),
      ['index-shard-name'],
      /plain file name/,
    ],
    [
      'index without a map',
      () => withFile(sharded(two, good), 'model.safetensors.index.json', '{"metadata": {}}'),
      ['index-structure'],
      /weight_map/,
    ],
    [
      'map that is an array',
      () => withFile(sharded(two, good), 'model.safetensors.index.json', '{"weight_map": []}'),
      ['index-structure'],
      /must be an object/,
    ],
    [
      'tensor listed twice',
      () =>
        withFile(
          sharded(two, good),
          'model.safetensors.index.json',
          '{"weight_map": {"a": "x.safetensors", "a": "y.safetensors"}}',
        ),
      ['index-duplicate-key'],
      /"a" stands twice/,
    ],
  ]; // a row: what is wrong, the folder, the codes, what the person reads

  test.each(cases)('%s', (_, folder, codes, says) => {
    const path = folder();
    const found = refusalsOf(() => open(path));
    expect(found.map((d) => d.code)).toEqual(codes);
    expect(found.map(formatDiagnostic).join('\n')).toMatch(says);
  });

  function withFile(folder: string, name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return folder;
  }
});

describe('content hash', () => {
  test('does not depend on files and sharding; depends on values, names, shapes and config', () => {
    const hash = (folder: string): string => open(folder).hash();
    const one = hash(single({ a: [1, 2], b: [3] }));
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(hash(single({ b: [3], a: [1, 2] }))).toBe(one);
    expect(
      hash(
        sharded(
          { 'x.safetensors': { b: [3] }, 'y.safetensors': { a: [1, 2] } },
          { b: 'x.safetensors', a: 'y.safetensors' },
        ),
      ),
    ).toBe(one);
    expect(hash(single({ a: [1, 2], b: [3] }, '{"hidden_size":4,"model_type":"bert"}'))).toBe(one);
    const others = [
      single({ a: [1, 2], b: [4] }),
      single({ a: [1, 2], c: [3] }),
      single({ a: [1], b: [2, 3] }),
      single({ a: [1, 2], b: [3] }, '{}'),
    ];
    expect(new Set([one, ...others.map(hash)]).size).toBe(5);
  });

  test('is kept in a side file outside of the model, and computed anew when a file changes', () => {
    const home = join(temporaryFolder(), 'home');
    const folder = single({ a: [1] });
    const before = readdirSync(folder);
    const first = open(folder, home).hash();
    const side = join(home, 'cache', 'hashes', readdirSync(join(home, 'cache', 'hashes'))[0]!);
    expect(JSON.parse(readFileSync(side, 'utf8'))).toEqual({ version: 1, hash: first });
    expect(readdirSync(folder)).toEqual(before);
    writeFileSync(side, JSON.stringify({ version: 1, hash: 'f'.repeat(64) }));
    expect(open(folder, home).hash()).toBe('f'.repeat(64));
    writeFileSync(side, 'damaged');
    expect(open(folder, home).hash()).toBe(first);
    writeTensors(join(folder, 'model.safetensors'), { a: [2] });
    expect(open(folder, home).hash()).not.toBe(first);
  });

  test('a file written just now is not remembered, for it could change within one tick of the clock', () => {
    const home = join(temporaryFolder(), 'home');
    const folder = single({ a: [1] });
    const path = join(folder, 'model.safetensors');
    utimesSync(path, new Date(), new Date());
    const first = open(folder, home).hash();
    const { mtime } = statSync(path);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    utimesSync(path, mtime, mtime);
    expect(open(folder, home).hash()).not.toBe(first);
  });

  test('a side file that cannot be written does not matter', () => {
    const home = join(temporaryFolder(), 'file');
    writeFileSync(home, '');
    expect(open(single({ a: [1] }), home).hash()).toMatch(/^[0-9a-f]{64}$/);
  });

  test('a checkpoint that was replaced after opening has no hash', () => {
    const folder = single({ a: [1] });
    const checkpoint = open(folder);
    const path = join(folder, 'model.safetensors');
    copyFileSync(path, `${path}.new`);
    renameSync(`${path}.new`, path);
    expect(refusalsOf(() => checkpoint.hash())[0]?.code).toBe('safetensors-changed');
  });
});

describe('old names', () => {
  test('gamma and beta of layer norms have their present names', () => {
    const checkpoint = open(
      single({ 'encoder.LayerNorm.gamma': [1], 'LayerNorm.beta': [2], 'layer_scale.gamma': [3], 'x.weight': [4] }),
    );
    expect(Object.fromEntries(tensorNameAliases(checkpoint))).toEqual({
      'encoder.LayerNorm.weight': 'encoder.LayerNorm.gamma',
      'LayerNorm.bias': 'LayerNorm.beta',
      'layer_scale.gamma': 'layer_scale.gamma',
      'x.weight': 'x.weight',
    });
  });

  test('an old and a present name of one tensor are refused', () => {
    const checkpoint = open(single({ 'LayerNorm.gamma': [1], 'LayerNorm.weight': [2] }));
    expect(refusalsOf(() => tensorNameAliases(checkpoint))[0]?.code).toBe('checkpoint-name-twice');
  });
});

test('the folder of the checkpoint is absolute', () => {
  const folder = single({ a: [1] });
  mkdirSync(join(folder, 'sub'));
  expect(open(join(folder, 'sub', '..')).folder).toBe(folder);
});
