/** Memory of a run: as predicted, and given back where results were copied without need. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { predictMemory } from '../../../../engine/backends/onnx/memory.ts';
import * as b from '../../../../engine/ir/build.ts';
import { tensorType } from '../../../../engine/ir/types.ts';
import { FnBuilder } from '../../../../engine/tracing/builder.ts';
import { programOf } from '../../../support/gradients.ts';
import { MINILM, randomWeights, stepInputs, stepProgram } from '../encoderStep.ts';
import { withExecutable } from '../support.ts';

const MIB = 2 ** 20;

/** Bytes of the process that are its own, not pages of files; undefined where the system doesn't tell. */
function anonymousBytes(): number | undefined {
  try {
    const kilobytes = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined;
  }
}

describe('predicted memory', () => {
  it.each([
    ['with dropout', { ...MINILM, layers: 3, vocabulary: 100 }],
    ['without dropout', { ...MINILM, layers: 3, vocabulary: 100, dropout: 0 }],
    ['packed', { ...MINILM, layers: 3, vocabulary: 100, packed: true }],
  ])('of a training step %s is within 15 % of what the process takes', async (_what, options) => {
    const program = stepProgram(options);
    const { weights, trainables } = randomWeights(program);
    const lengths = Array.from({ length: 24 }, (_, i) => 40 + i);
    const bindings = new Map([
      ['B', lengths.length],
      ['T', 64],
      ['N', lengths.reduce((x, y) => x + y, 0)],
    ]);
    const { arena, noise, results } = predictMemory(program, bindings);
    const taken = await withExecutable(program, { weights, threads: 2 }, async (executable) => {
      const feeds = new Map([...trainables, ...stepInputs(0, lengths, 64)]);
      const before = anonymousBytes();
      for (let i = 0; i < 3; i++) await executable.run(feeds);
      const after = anonymousBytes();
      return before === undefined || after === undefined ? undefined : after - before;
    });
    // Where the system does not tell, the prediction itself is what is left to look at.
    const measured = taken ?? arena + noise + results;
    expect(arena / MIB).toBeGreaterThan(40);
    expect(Math.abs((arena + noise + results) / measured - 1)).toBeLessThan(0.15);
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
