/** A traced function and the functions that it calls, as plain data for the way out of the virtual machine. */
import { operandsOf, type Fn, type Instr } from '../../ir/program.ts';
import { printType } from '../../ir/types.ts';
import type { FnLibrary, Traced } from '../../nodekit/scope.ts';
import { typeIn } from '../../tracing/builder.ts';

export function programText(traced: Traced, library: FnLibrary): Readonly<Record<string, unknown>> {
  return {
    functions: calledBy(traced.fn, library).map(fnText),
    main: fnText(traced.fn),
    wires: traced.wires,
    declarations: traced.declarations.map((d) => ({ ...d, type: printType(d.type) })),
    taps: traced.taps,
  };
}

/** The functions that are called, directly or not, callees first. */
function calledBy(fn: Fn, library: FnLibrary): Fn[] {
  const found = new Map<string, Fn>();
  const visit = (f: Fn): void => {
    for (const instr of f.body) {
      if (instr.kind !== 'call') continue;
      const callee = library.functions.get(instr.fn);
      if (!callee || found.has(callee.name)) continue;
      visit(callee);
      found.set(callee.name, callee);
    }
  };
  visit(fn);
  return [...found.values()];
}

const fnText = (fn: Fn): Readonly<Record<string, unknown>> => ({
  name: fn.name,
  origin: fn.origin,
  params: fn.params.map((p) => ({ ...p, type: printType(typeIn(fn, p.id)) })),
  body: fn.body.map(instrText),
  results: fn.results,
  names: [...fn.values].flatMap(([id, info]) => (info.name === undefined ? [] : [[id, info.name]])),
});

function instrText(instr: Instr): Readonly<Record<string, unknown>> {
  const places = { in: operandsOf(instr), out: instr.outputs };
  switch (instr.kind) {
    case 'op':
      return { op: instr.op, attrs: instr.attrs, ...places };
    case 'call':
      return { call: instr.fn, site: instr.site, region: instr.region.kind, ...places };
    case 'repeat':
      throw new Error('A custom node cannot make a stack; put it inside of one.');
  }
}
