/** Liveness: exact peaks of programs that can be counted by hand, and agreement with a slow count over random programs. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import { operandsOf, type Fn, type Instr, type ValueId } from '../../../engine/ir/program.ts';
import { byteSize } from '../../../engine/ir/types.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { peakMemory, type Storage } from '../../../engine/passes/liveness.ts';
import { flatProgram } from '../../support/flat.ts';
import { entryOf } from '../../support/gradients.ts';
import { BINDINGS, randomProgram, T, B } from '../../support/programs.ts';

const ROW = 2 * 3 * 4 * 4; // f32[B,T,4] at B = 2, T = 3

describe('by hand', () => {
  it('a chain holds two values at a time', () => {
    const program = flatProgram({ x: 'f32[B,T,4]' }, ({ x }) => [t.exp(t.sin(t.tanh(x!)))]);
    const peak = peakMemory(entryOf(program), BINDINGS);
    expect(peak.bytes).toBe(2 * ROW);
    expect(peak.at?.index).toBe(1);
    expect(peak.parameters).toEqual({ input: ROW, weight: 0, trainable: 0, state: 0 });
  });

  it('a value that is read late, results, outputs that nobody reads, and other element types', () => {
    const program = flatProgram({ x: 'f32[B,T,4]', g: 'f32[4]' }, ({ x, g }) => {
      const early = t.tanh(x!);
      const [normed] = t.layerNorm(early, g!, g!, 0.1); // and two statistics f32[B,T]
      const flags = t.lt(normed, early); // bool[B,T,4]
      return [t.select(flags, early, normed), t.sum(normed, [-1])];
    });
    const peak = peakMemory(entryOf(program), BINDINGS);
    const statistic = 2 * 3 * 4;
    // At `select`: early, normed, flags and the result; at `layerNorm` two rows and two statistics.
    expect(peak.bytes).toBe(3 * ROW + ROW / 4);
    expect(peak.at?.instr).toMatchObject({ op: 'select' });
    expect(peak.live.map((v) => v.bytes)).toEqual([ROW, ROW, ROW, ROW / 4]);
    expect(statistic * 2).toBeLessThan(ROW);
  });

  it('names where the peak is and what is alive there', () => {
    const program = flatProgram({ x: 'f32[B,T,4]' }, ({ x }) => {
      const wide = t.named('wide', t.broadcastTo(t.reshape(t.named('thin', t.tanh(x!)), [B, T, 4, 1]), [B, T, 4, 10]));
      return [t.sum(wide, [-1])];
    });
    const peak = peakMemory(entryOf(program), BINDINGS);
    expect(peak.live.map((v) => [v.name, v.bytes])).toEqual([
      ['wide', 10 * ROW],
      [undefined, ROW],
    ]);
    expect(peak.byPath).toEqual([['', 11 * ROW]]);
    expect(peak.at).toMatchObject({ index: 2, path: '' });
  });

  it('views share, and constants may cost nothing, when the backend says so', () => {
    const program = flatProgram({ x: 'f32[B,T,4]' }, ({ x }) => {
      const flat = t.reshape(t.tanh(x!), [B, T, 2, 2]);
      return [t.sum(t.mul(flat, t.constant(flat, 'f32', [B, T, 2, 2], 2)), [-1])];
    });
    const storage = (i: Instr): Storage =>
      i.kind === 'op' && i.op === 'reshape' ? 'shared' : i.kind === 'op' && i.op === 'constant' ? 'none' : 'own';
    expect(peakMemory(entryOf(program), BINDINGS).bytes).toBe(3 * ROW);
    expect(peakMemory(entryOf(program), BINDINGS, { storage }).bytes).toBe(2 * ROW);
  });

  it('a view of a parameter holds nothing, and a program without instructions has no peak', () => {
    const program = flatProgram({ x: 'f32[B,T,4]' }, ({ x }) => [t.reshape(x!, [B, T, 2, 2])]);
    expect(peakMemory(entryOf(program), BINDINGS, { storage: () => 'shared' }).bytes).toBe(0);
    const empty = flatProgram({ x: 'f32[B,T,4]' }, ({ x }) => [x!]);
    expect(peakMemory(entryOf(empty), BINDINGS)).toMatchObject({ bytes: 0, at: undefined, live: [] });
  });
});

/** The same by definition: at every instruction, everything computed so far that is read there or later. */
function slowPeak(fn: Fn): number {
  const params = new Set(fn.params.map((p) => p.id));
  const size = (id: ValueId): number => byteSize(fn.values.get(id)!.type, BINDINGS);
  let peak = 0;
  fn.body.forEach((instr, at) => {
    const later = new Set([...fn.body.slice(at).flatMap(operandsOf), ...fn.results.map((r) => r.id), ...instr.outputs]);
    const computed = fn.body.slice(0, at + 1).flatMap((i) => i.outputs);
    const bytes = computed.reduce((sum, id) => sum + (later.has(id) && !params.has(id) ? size(id) : 0), 0);
    peak = Math.max(peak, bytes);
  });
  return peak;
}

describe('random programs', () => {
  it.each(Array.from({ length: 6 }, (_, i) => i))('%i', (seed) => {
    const { program, wrt } = randomProgram(seed);
    const fn = entryOf(differentiate(inlineProgram(program), { of: 'loss', wrt }).program);
    const peak = peakMemory(fn, BINDINGS);
    expect(peak.bytes).toBe(slowPeak(fn));
    expect(peak.live.reduce((sum, v) => sum + v.bytes, 0)).toBe(peak.bytes);
    expect(peak.byPath.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(peak.bytes);
  });
});
