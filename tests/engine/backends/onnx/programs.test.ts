/** Random programs with their gradients, at several sizes in one session: `onnx` against `reference`. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../../engine/autodiff/gradient.ts';
import type { WeightSource } from '../../../../engine/backends/executable.ts';
import type { Program } from '../../../../engine/ir/program.ts';
import { inlineProgram } from '../../../../engine/passes/inline.ts';
import { relativeError, testRandom } from '../../../support/arrays.ts';
import { entryOf, runProgram, type Feeds } from '../../../support/gradients.ts';
import { feedsOf, randomProgram } from '../../../support/programs.ts';
import { rounded, runOnnx, toHost, withExecutable } from '../support.ts';

const SEEDS = Array.from({ length: 16 }, (_, i) => 1000 + i);
const SIZES = [
  [2, 3],
  [5, 7],
  [1, 1],
  [2, 3],
] as const;
/** A program is some thirty ops deep, with exponentials, norms and quotients; errors add up along it. */
const TOLERANCE = 3e-5;

function weightsOf(program: Program, feeds: Feeds): ReadonlyMap<string, WeightSource> {
  const names = entryOf(program).params.filter((p) => p.role === 'weight');
  return new Map(names.map((p) => [p.name, { kind: 'memory', tensor: toHost(feeds.get(p.name)!) }]));
}

describe('random programs', () => {
  it.each(SEEDS)('seed %i: results and gradients at every size', async (seed) => {
    const { program, feeds, wrt } = randomProgram(seed);
    const flat = inlineProgram(program);
    const gradient = differentiate(flat, { of: 'loss', wrt }).program;
    const weights = weightsOf(gradient, rounded(feeds));
    await withExecutable(gradient, { weights, threads: 2 }, async (executable) => {
      for (const [batch, length] of SIZES) {
        const bindings = new Map([
          ['B', batch],
          ['T', length],
        ]);
        const random = testRandom('sizes', seed, batch, length);
        const inputs = rounded(new Map([...feedsOf(entryOf(gradient), random, bindings)]));
        const given = new Map([...inputs, ...[...weights.keys()].map((n) => [n, rounded(feeds).get(n)!] as const)]);
        const want = runProgram(gradient, given);
        const got = await runOnnx(executable, given);
        for (const [name, y] of want) {
          expect(relativeError(got.get(name)!, y), `${name} at ${batch} x ${length}`).toBeLessThan(TOLERANCE);
        }
      }
    });
  });
});
