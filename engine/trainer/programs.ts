/** What the trainer reads from a flat Program: which parameters and results it has, and the part of it behind some results. */
import { must } from '../base/errors.ts';
import { operandsOf, type Fn, type ParamRole, type Program } from '../ir/program.ts';
import { eliminateDeadCode } from '../passes/dce.ts';

export const entryFn = (program: Program): Fn => must(program.functions.get(program.entry), 'the entry exists');

export const namesOf = (program: Program, role: ParamRole): readonly string[] =>
  entryFn(program).params.flatMap((p) => (p.role === role ? [p.name] : []));

export const resultNames = (program: Program): readonly string[] => entryFn(program).results.map((r) => r.name);

/** The Program with the chosen results only, without the code and the parameters that nothing else needs. */
export function keepResults(program: Program, keep: (name: string) => boolean): Program {
  const fn = entryFn(program);
  const results = fn.results.filter((r) => keep(r.name));
  const cut = eliminateDeadCode({ ...program, functions: new Map([[fn.name, { ...fn, results }]]) });
  const alive = entryFn(cut);
  const read = new Set([...alive.body.flatMap(operandsOf), ...results.map((r) => r.id)]);
  const params = alive.params.filter((p) => read.has(p.id));
  const gone = new Set(alive.params.filter((p) => !read.has(p.id)).map((p) => p.id));
  const values = new Map([...alive.values].filter(([id]) => !gone.has(id)));
  const { regions: _gone, ...rest } = alive;
  const body = rest.body.map((instr) => {
    if (instr.kind !== 'op' || instr.region === undefined) return instr;
    const { region: _tag, ...op } = instr;
    return op;
  });
  return { ...program, functions: new Map([[fn.name, { ...rest, body, params, values }]]) };
}
