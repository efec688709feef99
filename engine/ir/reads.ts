/** Which parameters of a function its results, or its dead code, are computed from: what calls alone hand on does not count. */
import { must } from '../base/errors.ts';
import type { Fn, Instr, Program, ValueId } from './program.ts';

/** Kept between Programs that share functions; entries go when their functions go. */
export type ReadMemo = WeakMap<Fn, ReadonlySet<ValueId>>;

/** The values of function `name` that are read, in it or in what it calls. */
export function readValues(program: Program, name: string, memo: ReadMemo): ReadonlySet<ValueId> {
  const fn = must(program.functions.get(name), `function ${name}`);
  const known = memo.get(fn);
  if (known) return known;
  const read = new Set(fn.results.map((r) => r.id));
  for (const instr of fn.body) for (const id of readBy(program, instr, memo)) read.add(id);
  memo.set(fn, read);
  return read;
}

function readBy(program: Program, instr: Instr, memo: ReadMemo): readonly ValueId[] {
  const ofCall = (callee: string, inputs: readonly ValueId[]): readonly ValueId[] => {
    const read = readValues(program, callee, memo);
    const { params } = must(program.functions.get(callee), `function ${callee}`);
    return inputs.filter((_, i) => read.has(must(params[i], `parameter ${i} of ${callee}`).id));
  };
  switch (instr.kind) {
    case 'op':
      return instr.inputs;
    case 'call':
      return ofCall(instr.fn, instr.inputs);
    case 'repeat': {
      const { bodies, carry, broadcast, layerInputs } = instr;
      return bodies.flatMap((body, i) => ofCall(body, [...carry, ...broadcast, ...(layerInputs[i] ?? [])]));
    }
  }
}
