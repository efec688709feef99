/**
 * Scheduling: an instruction is moved down to just before its first reader when everything that it reads is alive there
 * anyway. Its output then lives shorter and nothing lives longer, so that the peak never rises. Order among the others is
 * kept. A barrier stays where recomputation put it, and so does what a barrier waits for.
 */
import { operandsOf, type Fn, type Instr, type Program, type ValueId } from '../ir/program.ts';
import { entryOf, lastReads, withEntry } from './flat.ts';

export function sinkCheapInstructions(program: Program): Program {
  const fn = entryOf(program);
  return withEntry(program, { ...fn, body: sunk(fn) });
}

function sunk(fn: Fn): Instr[] {
  const params = new Set(fn.params.map((p) => p.id));
  const last = lastReads(fn);
  /** In reverse: the new body, whose instructions are found by their old index. */
  const waiting = new Map<number, Instr[]>();
  const firstReader = new Map<ValueId, number>();
  const home = new Map<Instr, number>();
  for (let i = fn.body.length - 1; i >= 0; i--) {
    const instr = fn.body[i] as Instr;
    const reader = Math.min(...instr.outputs.map((id) => firstReader.get(id) ?? Infinity));
    const alive = operandsOf(instr).every((id) => params.has(id) || (last.get(id) ?? -1) >= reader);
    const stays = instr.kind !== 'op' || instr.op === 'barrier' || !Number.isFinite(reader) || !alive;
    const at = stays ? i : reader;
    home.set(instr, at);
    if (!stays) waiting.set(at, [instr, ...(waiting.get(at) ?? [])]);
    for (const id of operandsOf(instr)) firstReader.set(id, Math.min(firstReader.get(id) ?? Infinity, at));
  }
  return fn.body.flatMap((instr, i) => [...(waiting.get(i) ?? []), ...(home.get(instr) === i ? [instr] : [])]);
}
