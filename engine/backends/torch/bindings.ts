/** Which parameter of the entry each parameter of each function is, in every place where the function is used. */
import { must } from '../../base/errors.ts';
import type { Fn, ValueId } from '../../ir/program.ts';
import type { Prepared } from './prepare.ts';
import type { TorchParameter } from './source.ts';

export interface Bindings {
  /** The entry's parameters that a weight or trainable of a function stands for, one per use of the function. */
  of(fn: string, param: ValueId): readonly TorchParameter[];
}

export function bind(prepared: Prepared, parameters: readonly TorchParameter[]): Bindings {
  const byName = new Map(parameters.map((p) => [p.name, p]));
  const bound = new Map<string, Map<ValueId, TorchParameter[]>>();
  const visit = (fn: Fn, values: ReadonlyMap<ValueId, TorchParameter>): void => {
    const own = bound.get(fn.name) ?? new Map<ValueId, TorchParameter[]>();
    bound.set(fn.name, own);
    for (const p of fn.params) {
      const entry = values.get(p.id);
      if (entry) own.set(p.id, [...(own.get(p.id) ?? []), entry]);
    }
    const enter = (name: string, inputs: readonly ValueId[]): void => {
      const inner = must(prepared.functions.get(name), name);
      const passed = new Map<ValueId, TorchParameter>();
      inner.params.forEach((p, i) => {
        const entry = values.get(inputs[i] as ValueId);
        if (entry && p.role !== 'input') passed.set(p.id, entry);
      });
      visit(inner, passed);
    };
    for (const instr of fn.body) {
      if (instr.kind === 'call') enter(instr.fn, instr.inputs);
      if (instr.kind === 'repeat')
        instr.bodies.forEach((b, i) => enter(b, [...instr.carry, ...instr.broadcast, ...(instr.layerInputs[i] ?? [])]));
    }
  };
  const entries = new Map<ValueId, TorchParameter>();
  for (const p of prepared.root.params) {
    const entry = byName.get(must(prepared.entryNames.get(p.name), p.name));
    if (entry) entries.set(p.id, entry);
  }
  visit(prepared.root, entries);
  return { of: (fn, param) => bound.get(fn)?.get(param) ?? [] };
}
