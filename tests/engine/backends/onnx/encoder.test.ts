/** A whole training step: against `reference`, over sizes, over thread counts and sessions, packed and padded. */
import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../../../../engine/backends/executable.ts';
import { interpret } from '../../../../engine/backends/reference/interpret.ts';
import { inlineProgram } from '../../../../engine/passes/inline.ts';
import { relativeError } from '../../../support/arrays.ts';
import { entryOf, type Feeds } from '../../../support/gradients.ts';
import { MINILM, randomWeights, stepInputs, stepProgram, type StepOptions } from '../encoderStep.ts';
import { fromHost, withExecutable } from '../support.ts';

const TINY: StepOptions = { ...MINILM, layers: 2, width: 16, heads: 2, inner: 32, vocabulary: 20, rank: 2 };
/** Wide enough that products and reductions are shared between threads. */
const BROAD: StepOptions = { ...TINY, width: 128, heads: 4, inner: 512 };

type Results = ReadonlyMap<string, HostTensor>;
const VARIANTS = [
  { label: 'padded', options: TINY },
  { label: 'packed', options: { ...TINY, packed: true } },
] as const;

const feedsOf = (options: StepOptions, lengths: readonly number[], length: number): Map<string, HostTensor> => {
  const { trainables } = randomWeights(stepProgram(options));
  const scaled = [...trainables].map(([name, t]) => [name, { ...t, data: t.data.map((x) => 10 * x) }] as const);
  return new Map([...scaled, ...stepInputs(3, lengths, length)] as [string, HostTensor][]);
};

function reference(options: StepOptions, feeds: Results): Feeds {
  const program = inlineProgram(stepProgram(options));
  const { weights } = randomWeights(program);
  const all = new Map([...feeds].map(([name, x]) => [name, fromHost(x)]));
  for (const [name, w] of weights) if (w.kind === 'memory') all.set(name, fromHost(w.tensor));
  return interpret(entryOf(program), all);
}

async function run(options: StepOptions, threads: number, batches: readonly Results[]): Promise<Results[]> {
  const program = stepProgram(options);
  const { weights } = randomWeights(program);
  return withExecutable(program, { weights, threads }, async (executable) => {
    const out: Results[] = [];
    for (const feeds of batches) out.push(await executable.run(feeds));
    return out;
  });
}

const bytes = (results: Results): string =>
  [...results]
    .map(
      ([name, x]) => `${name}=${Buffer.from(x.data.buffer, x.data.byteOffset, x.data.byteLength).toString('base64')}`,
    )
    .join('\n');

describe('a training step', () => {
  it.each(VARIANTS)(
    '$label: loss and gradients agree with the reference at several sizes of one session',
    async ({ options }) => {
      const batches = [
        feedsOf(options, [5, 3], 5),
        feedsOf(options, [2, 7, 1], 7),
        feedsOf(options, [5, 3], 5),
        feedsOf(options, [1], 1),
      ];
      const got = await run(options, 2, batches);
      batches.forEach((feeds, i) => {
        const want = reference(options, feeds);
        const largest = Math.max(
          ...[...want].flatMap(([name, g]) => (name === 'loss' ? [] : [...g.data.map(Math.abs)])),
        );
        for (const [name, y] of want) {
          // Gradients are compared to the largest entry of all of them.
          const scale = name === 'loss' ? 1 : 1 / largest;
          const scaled = (x: typeof y): typeof y => ({ ...x, data: x.data.map((v) => v * scale) });
          expect(relativeError(scaled(fromHost(got[i]!.get(name)!)), scaled(y)), `${name}, batch ${i}`).toBeLessThan(
            2e-6,
          );
        }
      });
      expect(bytes(got[2]!)).toBe(bytes(got[0]!));
    },
  );

  it.each([1, 2, 3])('is equal in every bit over runs and sessions of %i threads', async (threads) => {
    const feeds = feedsOf(BROAD, [40, 64, 17, 64, 33, 64, 50, 8], 64);
    const other = feedsOf(BROAD, [9, 20], 20);
    const first = await run(BROAD, threads, [feeds, other, feeds]);
    const second = await run(BROAD, threads, [other, feeds]);
    expect(bytes(first[2]!)).toBe(bytes(first[0]!));
    expect(bytes(second[1]!)).toBe(bytes(first[0]!));
    expect(bytes(second[0]!)).toBe(bytes(first[1]!));
  });

  it('differs by roundings only between thread counts', async () => {
    const feeds = feedsOf(BROAD, [40, 64, 17, 64, 33, 64, 50, 8], 64);
    const [one] = await run(BROAD, 1, [feeds]);
    const [three] = await run(BROAD, 3, [feeds]);
    for (const [name, x] of one!) expect(relativeError(fromHost(three!.get(name)!), fromHost(x))).toBeLessThan(3e-6);
  });

  it('writes results into arrays that are given, and returns those', async () => {
    const program = stepProgram(TINY);
    const { weights } = randomWeights(program);
    const feeds = feedsOf(TINY, [4, 2], 4);
    await withExecutable(program, { weights }, async (executable) => {
      const plain = await executable.run(feeds);
      const into = new Map([...plain].map(([name, x]) => [name, { ...x, data: new Float32Array(x.data.length) }]));
      const given = await executable.run(feeds, into);
      for (const [name, x] of into) expect(given.get(name)?.data).toBe(x.data);
      expect(bytes(into)).toBe(bytes(plain));
    });
  });
});
