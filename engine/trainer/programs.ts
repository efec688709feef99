/** What the trainer reads from a flat Program: which parameters and results it has, and the part of it behind some results. */
import { must } from '../base/errors.ts';
import { isStatic } from '../ir/dim.ts';
import { operandsOf, type Fn, type FnParam, type ParamRole, type Program, type ValueId } from '../ir/program.ts';
import { eliminateDeadCode, withoutRegions } from '../passes/dce.ts';

export const entryFn = (program: Program): Fn => must(program.functions.get(program.entry), 'the entry exists');

export const namesOf = (program: Program, role: ParamRole): readonly string[] =>
  entryFn(program).params.flatMap((p) => (p.role === role ? [p.name] : []));

export const resultNames = (program: Program): readonly string[] => entryFn(program).results.map((r) => r.name);

/**
 * The Program with the chosen results only, without the code and the parameters that nothing else needs. A parameter that
 * nothing reads stays where it alone tells the size of a symbol.
 */
export function keepResults(program: Program, keep: (name: string) => boolean): Program {
  const fn = entryFn(program);
  const results = fn.results.filter((r) => keep(r.name));
  const cut = eliminateDeadCode(withoutRegions({ ...program, functions: new Map([[fn.name, { ...fn, results }]]) }));
  const alive = entryFn(cut);
  const params = neededParams(alive, new Set([...alive.body.flatMap(operandsOf), ...results.map((r) => r.id)]));
  const kept = new Set(params.map((p) => p.id));
  const gone = new Set(alive.params.filter((p) => !kept.has(p.id)).map((p) => p.id));
  const values = new Map([...alive.values].filter(([id]) => !gone.has(id)));
  return { ...program, functions: new Map([[fn.name, { ...alive, params, values }]]) };
}

function neededParams(fn: Fn, read: ReadonlySet<ValueId>): readonly FnParam[] {
  const symbolsOf = (p: FnParam): string[] =>
    must(fn.values.get(p.id), p.name).type.shape.flatMap((d) => (isStatic(d) ? [] : [String(d)]));
  const bound = new Set(fn.params.filter((p) => read.has(p.id)).flatMap(symbolsOf));
  return fn.params.filter((p) => {
    if (read.has(p.id)) return true;
    const binds = symbolsOf(p).filter((s) => !bound.has(s));
    binds.forEach((s) => bound.add(s));
    return binds.length > 0;
  });
}
