/**
 * Dead code: instructions whose outputs nobody reads. Parameters stay, read or not, because they are the interface of the
 * program. The restored inputs of a reversible region are alive as long as something of the region is.
 */
import { operandsOf, type Fn, type Instr, type Program, type RegionInstance, type ValueId } from '../ir/program.ts';
import { entryOf, tagOf, withEntry, type Differentiated } from './flat.ts';

export function eliminateDeadCode(program: Program): Program {
  const fn = entryOf(program);
  const live = liveValues(fn);
  const body = fn.body.filter((instr) => instr.outputs.some((id) => live.has(id)));
  if (body.length === fn.body.length) return program;
  const defined = new Set([...fn.params.map((p) => p.id), ...body.flatMap((instr) => instr.outputs)]);
  const values = new Map([...fn.values].filter(([id]) => defined.has(id)));
  const regions = fn.regions?.map((r) => livingPart(r, defined));
  return withEntry(program, { ...fn, body, values, ...(regions ? { regions } : {}) });
}

/** The same for a program with a backward part: says where that begins afterwards. */
export function trimDifferentiated(d: Differentiated): Differentiated {
  const program = eliminateDeadCode(d.program);
  const kept = new Set(entryOf(program).body.map((instr) => instr.outputs[0]));
  const backwardStart = entryOf(d.program).body.filter((i, k) => k < d.backwardStart && kept.has(i.outputs[0])).length;
  return { ...d, program, backwardStart };
}

/** Values that the results need, and the restored inputs of regions that are still in use. */
function liveValues(fn: Fn): ReadonlySet<ValueId> {
  const live = new Set(fn.results.map((r) => r.id));
  const used = new Set<number>();
  const mark = (): void => {
    for (let i = fn.body.length - 1; i >= 0; i--) {
      const instr = fn.body[i] as Instr;
      if (!instr.outputs.some((id) => live.has(id))) continue;
      for (const id of operandsOf(instr)) live.add(id);
      const tag = tagOf(instr);
      if (tag !== undefined) used.add(tag);
    }
  };
  mark();
  for (let before = -1; before !== live.size;) {
    before = live.size;
    for (const tag of used) for (const id of fn.regions?.[tag]?.restored ?? []) live.add(id);
    if (live.size !== before) mark();
  }
  return live;
}

/** The region without the values that are gone; it can't be restored when a restored value or a stream is among them. */
function livingPart(r: RegionInstance, defined: ReadonlySet<ValueId>): RegionInstance {
  const alive = (ids: readonly ValueId[]): ValueId[] => ids.filter((id) => defined.has(id));
  const { restored, ...rest } = r;
  const streams = r.region.kind === 'reversible' ? r.inputs.slice(0, r.region.streams) : [];
  const whole = restored && [...streams, ...restored].every((id) => defined.has(id));
  return { ...rest, inputs: alive(r.inputs), outputs: alive(r.outputs), ...(whole ? { restored } : {}) };
}

/** The program without its regions: for when recomputation is switched off, so that inverses are dead as well. */
export function withoutRegions(program: Program): Program {
  const { regions: _gone, ...fn } = entryOf(program);
  const body = fn.body.map((instr): Instr => {
    if (instr.kind === 'op') {
      const { region: _tag, ...rest } = instr;
      return rest;
    }
    if (instr.kind === 'repeat') return instr;
    const { within: _tag, ...rest } = instr;
    return rest;
  });
  return withEntry(program, { ...fn, body });
}
