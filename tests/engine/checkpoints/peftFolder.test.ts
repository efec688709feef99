/** PEFT folders on disk: what is not whole is refused by name, and a folder with a configuration is whole. */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LnTuningConfig } from '../../../engine/checkpoints/peft/config.ts';
import { openPeftFolder, readPeftTensors, writePeftFiles } from '../../../engine/checkpoints/peft/folder.ts';
import type { TensorToWrite } from '../../../engine/checkpoints/safetensors.ts';
import { refusalsOf, temporaryFolder } from './helpers.ts';

const CONFIG: LnTuningConfig = {
  type: 'LN_TUNING',
  task: 'SEQ_CLS',
  baseModel: undefined,
  targets: { kind: 'names', names: ['LayerNorm'] },
  exclude: undefined,
};
const tensor = (name: string, values: readonly number[]): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const TENSORS = [tensor('a', [1, 2]), tensor('b', [3])];
const EXPECTED = new Map([
  ['a', [2]],
  ['b', [1]],
]);

/** A folder as it is written. */
function written(tensors: readonly TensorToWrite[] = TENSORS): string {
  const folder = join(temporaryFolder(), 'adapter');
  writePeftFiles(folder, CONFIG, tensors);
  return folder;
}

test('what is written is read again', () => {
  const opened = openPeftFolder(written());
  expect(opened.config).toEqual(CONFIG);
  expect(opened.file.metadata.get('format')).toBe('pt');
  expect(readPeftTensors(opened, EXPECTED)).toEqual(
    new Map([
      ['a', Float32Array.of(1, 2)],
      ['b', Float32Array.of(3)],
    ]),
  );
});

test('an older adapter is replaced', () => {
  const folder = written();
  writePeftFiles(folder, { ...CONFIG, task: 'TOKEN_CLS' }, [tensor('c', [4])]);
  expect(readdirSync(folder).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  const opened = openPeftFolder(folder);
  expect(opened.config.task).toBe('TOKEN_CLS');
  expect([...opened.file.tensors.keys()]).toEqual(['c']);
});

test('a folder whose weights could not be written has no configuration', () => {
  const folder = join(temporaryFolder(), 'adapter');
  mkdirSync(join(folder, 'adapter_model.safetensors'), { recursive: true });
  writeFileSync(join(folder, 'adapter_config.json'), '{}');
  expect(refusalsOf(() => writePeftFiles(folder, CONFIG, TENSORS))).toHaveLength(1);
  expect(existsSync(join(folder, 'adapter_config.json'))).toBe(false);
});

describe('refusals', () => {
  const codes = (body: () => unknown): string[] => refusalsOf(body).map((d) => d.code);

  test('no folder, no configuration', () => {
    expect(codes(() => openPeftFolder(join(temporaryFolder(), 'nothing')))).toEqual(['peft-no-config']);
    expect(codes(() => openPeftFolder(temporaryFolder()))).toEqual(['peft-no-config']);
  });

  test.each([
    ['adapter_model.bin', 'peft-not-safetensors'],
    ['other.txt', 'peft-no-weights'],
  ])('weights in %s', (name, code) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'adapter_config.json'), readFileSync(join(written(), 'adapter_config.json')));
    writeFileSync(join(folder, name), 'x');
    expect(codes(() => openPeftFolder(folder))).toEqual([code]);
  });

  test('a configuration that is no JSON, or has a key twice', () => {
    const folder = written();
    for (const text of ['{', '{"peft_type":"LORA","peft_type":"IA3"}', 'NaN']) {
      writeFileSync(join(folder, 'adapter_config.json'), text);
      expect(codes(() => openPeftFolder(folder))).toEqual([expect.stringMatching(/^peft-config/)]);
    }
  });

  test('tensors that are missing, too many, of another shape, or no numbers, all at once', () => {
    const folder = written([tensor('a', [1]), tensor('x', [1]), tensor('y', [NaN, 1, Infinity])]);
    const expected = new Map([...EXPECTED, ['y', [3]]]);
    const found = refusalsOf(() => readPeftTensors(openPeftFolder(folder), expected));
    expect(found.map((d) => [d.code, d.where.tensor ?? d.found])).toEqual([
      ['peft-tensor-missing', '"b"'],
      ['peft-tensor-unexpected', '"x"'],
      ['peft-tensor-shape', 'a'],
      ['peft-tensor-nonfinite', 'y'],
    ]);
  });
});
