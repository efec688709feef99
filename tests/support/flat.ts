/** Small flat programs for the tests of passes, and what is asked of them. */

import type { OpName } from '../../engine/ir/opAttrs.ts';
import type { Instr, OpInstr, Program } from '../../engine/ir/program.ts';
import type { Tensor } from '../../engine/ir/tensor.ts';
import { parseType } from '../../engine/ir/types.ts';
import { verifyProgram } from '../../engine/ops/verify.ts';
import { FnBuilder } from '../../engine/tracing/builder.ts';
import { relativeError, testRandom } from './arrays.ts';
import { entryOf, programOf, runProgram, type Feeds } from './gradients.ts';
import { BINDINGS, feedsOf, SYMBOLS } from './programs.ts';

/** A program over parameters given as `name: type`; what `body` returns are its results `y0, y1, ...`. */
export function flatProgram(
  params: Readonly<Record<string, string>>,
  body: (inputs: Readonly<Record<string, Tensor>>) => readonly Tensor[],
): Program {
  const builder = new FnBuilder();
  const inputs = Object.entries(params).map(
    ([name, type]) => [name, builder.param(name, 'input', parseType(type))] as const,
  );
  const results = body(Object.fromEntries(inputs));
  const program = programOf(
    builder.finish(
      'main',
      results.map((value, i) => ({ name: `y${i}`, value })),
    ),
  );
  return { ...program, symbols: SYMBOLS };
}

export const opsOf = (program: Program): OpName[] =>
  entryOf(program).body.flatMap((i) => (i.kind === 'op' ? [i.op] : []));

export const countOf = (program: Program, op: OpName): number => opsOf(program).filter((o) => o === op).length;

export const opInstrs = (program: Program): OpInstr[] =>
  entryOf(program).body.flatMap((i: Instr) => (i.kind === 'op' ? [i] : []));

export const randomFeeds = (program: Program, seed = 0): Feeds =>
  feedsOf(entryOf(program), testRandom('flat', seed), BINDINGS);

/** Largest relative difference of any result; infinite when the results are not the same. */
export function difference(got: Feeds, want: Feeds): number {
  if ([...got.keys()].join() !== [...want.keys()].join()) return Infinity;
  return Math.max(0, ...[...want].map(([name, y]) => relativeError(got.get(name)!, y)));
}

/** Verifies the changed program, and says how far its results are from those of the original. */
export function change(before: Program, after: Program, feeds: Feeds = randomFeeds(before)): number {
  verifyProgram(after);
  return difference(runProgram(after, feeds), runProgram(before, feeds));
}
