/** Memory of a run: as predicted, and given back where results were copied without need. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import * as b from '../../../../engine/ir/build.ts';
import { tensorType } from '../../../../engine/ir/types.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { bundleForNode } from '../../../support/childProcess.ts';
import { anonymousBytes } from '../../../support/memory.ts';
import { programOf } from '../../../support/gradients.ts';
import { withExecutable } from '../support.ts';

const MIB = 2 ** 20;

interface Measured {
  readonly predicted: number;
  readonly arena: number;
  readonly taken?: number;
}

describe('predicted memory', () => {
  it.each([
    ['with dropout', {}],
    ['without dropout', { dropout: 0 }],
    ['packed', { packed: true }],
  ])('of a training step %s is within 15 %% of what the process takes', async (_what, options) => {
    const bundle = await bundleForNode(new URL('memoryChild.ts', import.meta.url));
    const output = execFileSync(process.execPath, [bundle, JSON.stringify(options)], { encoding: 'utf8' });
    const { predicted, arena, taken } = JSON.parse(output) as Measured;
    expect(arena / MIB).toBeGreaterThan(40);
    // Where the system does not tell, the prediction itself is what is left to look at.
    expect(Math.abs(predicted / (taken ?? predicted) - 1)).toBeLessThan(0.15);
  });
});

describe('results in arrays of the caller', () => {
  it('leave no copies behind', async () => {
    const size = 16 * MIB;
    const builder = new FnBuilder();
    const x = builder.param('x', 'input', tensorType('f32', [size]));
    const program = programOf(builder.finish('main', [{ name: 'y', value: b.add(x, x) }]));
    await withExecutable(program, {}, async (executable) => {
      const place = { dtype: 'f32', shape: [size], data: new Float32Array(size) } as const;
      const feeds = new Map([['x', { ...place, data: new Float32Array(size).fill(2) }]]);
      await executable.run(feeds, new Map([['y', place]]));
      const before = anonymousBytes() ?? 0;
      let most = 0;
      for (let i = 0; i < 6; i++) {
        expect((await executable.run(feeds, new Map([['y', place]]))).get('y')).toBe(place);
        await new Promise((resolve) => setImmediate(resolve));
        most = Math.max(most, (anonymousBytes() ?? 0) - before);
      }
      expect(most).toBeLessThan(16 * MIB); // One copy is 64 MiB.
      expect([place.data.length, place.data[0], place.data[size - 1]]).toEqual([size, 4, 4]);
    });
  });
});
