/**
 * Memory of a flat program, by static analysis: the largest number of bytes that computed values hold at one time when the
 * instructions run in order. While an instruction runs, its outputs and every value that it or a later instruction (or a
 * result) reads are alive; a value is freed after its last reader. Parameters (inputs, weights, trainables, states) are
 * counted apart, since their owner holds them throughout. What a kernel needs inside is not counted.
 */
import { must } from '../base/errors.ts';
import type { SymbolBindings } from '../ir/dim.ts';
import type { Fn, Instr, ParamRole, ValueId } from '../ir/program.ts';
import { byteSize } from '../ir/types.ts';
import { lastReads } from './flat.ts';

/** `own`: each output has memory of its own. `shared`: the output is its first input in place (a view). `none`: never stored. */
export type Storage = 'own' | 'shared' | 'none';

export interface LivenessOptions {
  /** How a backend stores what an instruction gives; everything is `own` by default. */
  readonly storage?: (instr: Instr) => Storage;
}

export interface LiveValue {
  readonly id: ValueId;
  readonly path: string;
  readonly name: string | undefined;
  readonly bytes: number;
}

export interface MemoryPeak {
  /** Bytes of all computed values alive at the peak. */
  readonly bytes: number;
  /** Where the peak occurs first; undefined for a program without instructions. */
  readonly at: { readonly index: number; readonly instr: Instr; readonly path: string } | undefined;
  /** What is alive there, largest first. */
  readonly live: readonly LiveValue[];
  /** The same by path, largest first. */
  readonly byPath: readonly (readonly [string, number])[];
  readonly parameters: Readonly<Record<ParamRole, number>>;
}

/** Peak memory of the function in bytes for given sizes of its symbols. */
export function peakMemory(fn: Fn, bindings: SymbolBindings, options: LivenessOptions = {}): MemoryPeak {
  const size = (id: ValueId): number => byteSize(must(fn.values.get(id), `%${id} of ${fn.name}`).type, bindings);
  const owned = ownedBuffers(fn, size, options.storage ?? (() => 'own'));
  let current = 0;
  let peak = 0;
  let peakIndex: number | undefined;
  const freed = new Map<number, ValueId[]>();
  for (const [id, buffer] of owned) freed.set(buffer.until, [...(freed.get(buffer.until) ?? []), id]);
  fn.body.forEach((instr, index) => {
    for (const id of instr.outputs) current += owned.get(id)?.bytes ?? 0;
    if (peakIndex === undefined || current > peak) {
      peak = current;
      peakIndex = index;
    }
    for (const id of freed.get(index) ?? []) current -= owned.get(id)?.bytes ?? 0;
  });
  return { bytes: peak, ...describePeak(fn, owned, peakIndex), parameters: parameterBytes(fn, size) };
}

interface Buffer {
  readonly bytes: number;
  readonly from: number;
  /** The last instruction at which it is alive; a result lives to the end. */
  readonly until: number;
}

/** The values with memory of their own. A view lengthens the life of the value that it looks into. */
function ownedBuffers(fn: Fn, size: (id: ValueId) => number, storage: (i: Instr) => Storage): Map<ValueId, Buffer> {
  const reads = lastReads(fn);
  const roots = new Map<ValueId, ValueId>();
  const buffers = new Map<ValueId, Buffer>();
  fn.body.forEach((instr, from) => {
    const kind = storage(instr);
    for (const id of instr.outputs) {
      const until = reads.get(id) ?? from;
      const source = kind === 'shared' && instr.kind === 'op' ? instr.inputs[0] : undefined;
      if (source !== undefined) {
        const root = roots.get(source) ?? source;
        roots.set(id, root);
        const buffer = buffers.get(root);
        if (buffer) buffers.set(root, { ...buffer, until: Math.max(buffer.until, until) });
      } else if (kind !== 'none') buffers.set(id, { bytes: size(id), from, until });
    }
  });
  return buffers;
}

function describePeak(
  fn: Fn,
  owned: ReadonlyMap<ValueId, Buffer>,
  index: number | undefined,
): Pick<MemoryPeak, 'at' | 'live' | 'byPath'> {
  if (index === undefined) return { at: undefined, live: [], byPath: [] };
  const instr = fn.body[index] as Instr;
  const pathOf = (id: ValueId): string => fn.values.get(id)?.path ?? '';
  const live = [...owned]
    .filter(([, b]) => b.from <= index && b.until >= index && b.bytes > 0)
    .map(([id, b]): LiveValue => ({ id, path: pathOf(id), name: fn.values.get(id)?.name, bytes: b.bytes }))
    .sort((a, b) => b.bytes - a.bytes || a.id - b.id);
  const totals = new Map<string, number>();
  for (const v of live) totals.set(v.path, (totals.get(v.path) ?? 0) + v.bytes);
  const first = instr.outputs[0];
  return {
    at: { index, instr, path: first === undefined ? '' : pathOf(first) },
    live,
    byPath: [...totals].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)),
  };
}

function parameterBytes(fn: Fn, size: (id: ValueId) => number): Record<ParamRole, number> {
  const total = { input: 0, weight: 0, trainable: 0, state: 0 };
  for (const p of fn.params) total[p.role] += size(p.id);
  return total;
}
