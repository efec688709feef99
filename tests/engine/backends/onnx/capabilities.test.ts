/** What the backend says of itself: what it takes, what it refuses and why, how fast it is here. */
import { describe, expect, it } from 'vitest';
import { onnxCapabilities, probe, refusals, storage } from '../../../../engine/backends/onnx/capabilities.ts';
import { compileOnnx } from '../../../../engine/backends/onnx/compile.ts';
import * as b from '../../../../engine/ir/build.ts';
import type { OpInstr } from '../../../../engine/ir/program.ts';
import { tensorType } from '../../../../engine/ir/types.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { entryOf, programOf } from '../../../support/gradients.ts';
import { withFolder } from '../support.ts';

describe('capabilities', () => {
  it('name library, version and processor', () => {
    const c = onnxCapabilities();
    expect(c.identity).toMatch(/^onnx:cpu, ONNX Runtime \d+\.\d+\.\d+, \w+$/);
    expect(c.threads).toBeGreaterThan(0);
  });

  it('a program in bf16 is refused with the reason, by `refusals` and by `compileOnnx`', async () => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'input', tensorType('f32', [2]));
    const program = programOf(builder.finish('main', [{ name: 'y', value: b.exp(b.cast(x, 'bf16')) }]));
    expect(refusals(program)).toEqual(['a value of bf16; this device takes f32, i32, u32, bool']);
    await withFolder(async (workFolder) => {
      const compiled = compileOnnx(program, { weights: new Map(), workFolder, threads: 1 });
      await expect(compiled).rejects.toThrow(/cast gives bf16\[2\]; this device computes in f32 only/);
    });
  });

  it('a view is stored with what it is a view of', () => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'input', tensorType('f32', [2, 3]));
    const y = b.mul(b.exp(b.reshape(x, [6])), 2);
    const program = programOf(builder.finish('main', [{ name: 'y', value: y }]));
    expect(refusals(program)).toEqual([]);
    const stored = entryOf(program).body.map((i) => [(i as OpInstr).op, storage(i)]);
    expect(stored).toEqual([
      ['reshape', 'shared'],
      ['exp', 'own'],
      ['constant', 'none'],
      ['mul', 'own'],
    ]);
  });

  it('the probe measures something', async () => {
    const measured = await withFolder((workFolder) => probe({ workFolder, threads: 1 }));
    for (const value of Object.values(measured)) expect(value).toBeGreaterThan(0);
    expect(measured.gflops).toBeLessThan(10_000);
  });
});
