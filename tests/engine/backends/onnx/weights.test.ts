/** Frozen weights: mapped from their file through a hard link, copied where there can't be one, refused when they do not fit. */
import { linkSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type * as FileSystemModule from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { HostTensor, WeightSource } from '../../../../engine/backends/executable.ts';
import { compileOnnx } from '../../../../engine/backends/onnx/compile.ts';
import { matmul, sum } from '../../../../engine/ir/build.ts';
import type { Program } from '../../../../engine/ir/program.ts';
import { tensorType } from '../../../../engine/ir/types.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { programOf } from '../../../support/gradients.ts';
import { anonymousBytes } from '../../../support/memory.ts';
import { withFolder } from '../support.ts';

type FileSystem = typeof FileSystemModule;
const links = vi.hoisted(() => ({ refuse: false }));
vi.mock('node:fs', async (original) => {
  const fs = await original<FileSystem>();
  return {
    ...fs,
    linkSync: (from: string, to: string) => {
      if (links.refuse) throw Object.assign(new Error('EXDEV: cross-device link not permitted'), { code: 'EXDEV' });
      fs.linkSync(from, to);
    },
  };
});

/** x times `count` square matrices, summed. */
function chain(count: number, size: number): Program {
  const builder = new FnBuilder();
  let x = builder.param('x', 'input', tensorType('f32', [4, size]));
  for (let i = 0; i < count; i++)
    x = matmul(x, builder.param(`w${i}`, 'weight', tensorType('f32', [size, size])), { transposeB: true });
  return programOf(builder.finish('main', [{ name: 'y', value: sum(x, [-2, -1]) }]));
}

const OFFSET = 24; // Not a multiple of a page or of a vector.

/** Matrices one after the other in a file, as a checkpoint has them: identities, so that the product is its first factor. */
function checkpoint(path: string, count: number, size: number): Map<string, WeightSource> {
  const one = new Float32Array(size * size);
  for (let i = 0; i < size; i++) one[i * size + i] = 1;
  const bytes = Buffer.from(one.buffer);
  writeFileSync(path, Buffer.concat([Buffer.alloc(OFFSET), ...Array.from({ length: count }, () => bytes)]));
  const file = { kind: 'file', path, length: bytes.length, shape: [size, size], dtype: 'f32' } as const;
  return new Map(Array.from({ length: count }, (_, i) => [`w${i}`, { ...file, offset: OFFSET + i * bytes.length }]));
}

const input = (size: number): Map<string, HostTensor> =>
  new Map([['x', { dtype: 'f32', shape: [4, size], data: new Float32Array(4 * size).fill(0.5) }]]);

const folderOf = (work: string): string => join(work, readdirSync(work)[0]!);

describe('weights', () => {
  it('are mapped from the file: same inode in the model folder, no memory of their own, nothing written', async () => {
    await withFolder(async (folder) => {
      const [count, size] = [16, 1024];
      const path = join(folder, 'model.safetensors');
      const weights = checkpoint(path, count, size);
      const before = statSync(path);
      const work = join(folder, 'work');
      mkdirSync(work);
      const anonymous = anonymousBytes() ?? 0;
      const executable = await compileOnnx(chain(count, size), { weights, workFolder: work, threads: 1 });
      const results = await executable.run(input(size));
      expect(results.get('y')?.data[0]).toBe(4 * size * 0.5);
      expect((anonymousBytes() ?? 0) - anonymous).toBeLessThan(24 * 2 ** 20); // The weights are 64 MiB.
      expect(statSync(join(folderOf(work), 'weights-0.bin')).ino).toBe(before.ino);
      await executable.dispose();
      expect(readdirSync(work)).toEqual([]);
      const { mtimeMs, size: bytes, nlink } = statSync(path);
      expect([mtimeMs, bytes, nlink]).toEqual([before.mtimeMs, before.size, before.nlink]);
    });
  });

  it('are copied once where a hard link is refused', async () => {
    await withFolder(async (folder) => {
      const path = join(folder, 'model.safetensors');
      const weights = checkpoint(path, 3, 32);
      const work = join(folder, 'work');
      mkdirSync(work);
      links.refuse = true;
      try {
        expect(() => linkSync(path, join(work, 'x'))).toThrow('EXDEV');
        const executable = await compileOnnx(chain(3, 32), { weights, workFolder: work, threads: 1 });
        expect(readdirSync(folderOf(work)).sort()).toEqual(['model.onnx', 'weights-0.bin']);
        expect((await executable.run(input(32))).get('y')?.data[0]).toBe(64);
        await executable.dispose();
      } finally {
        links.refuse = false;
      }
    });
  });

  it('may come from memory, small ones and large ones', async () => {
    await withFolder(async (workFolder) => {
      for (const size of [4, 64]) {
        const eye = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
        const tensor: HostTensor = { dtype: 'f32', shape: [size, size], data: eye };
        const weights = new Map([
          ['w0', { kind: 'memory', tensor } as const],
          ['w1', { kind: 'memory', tensor } as const],
        ]);
        const executable = await compileOnnx(chain(2, size), { weights, workFolder, threads: 1 });
        expect((await executable.run(input(size))).get('y')?.data[0]).toBe(2 * size);
        await executable.dispose();
      }
    });
  });

  it.each([
    ['no source', undefined, /"w0" has a source/],
    ['another shape', { shape: [32, 16] }, /f32\[32,32\], its source holds f32\[32,16\]/],
    ['another element type', { dtype: 'bf16' as const }, /its source holds bf16\[32,32\]/],
    ['too few bytes', { length: 100 }, /takes 4096 bytes/],
    ['bytes beyond the end of the file', { offset: 1e6 }, /takes 4096 bytes, its source gives 1000000\.\.1004096/],
  ])('with %s are refused, and nothing is left behind', async (_what, change, message) => {
    await withFolder(async (folder) => {
      const weights = checkpoint(join(folder, 'model.safetensors'), 1, 32);
      const work = join(folder, 'work');
      mkdirSync(work);
      if (change === undefined) weights.delete('w0');
      else weights.set('w0', { ...weights.get('w0')!, ...change });
      await expect(compileOnnx(chain(1, 32), { weights, workFolder: work, threads: 1 })).rejects.toThrow(message);
      expect(readdirSync(work)).toEqual([]);
    });
  });
});
