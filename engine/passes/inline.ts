/** Expands calls and stacks into one flat function. Calls with a custom gradient stay until the backward pass has used it. */
import { must } from '../base/errors.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';
import { concat, reshape } from '../ir/build.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import type { CallInstr, Fn, Instr, OpInstr, Program, Region, RepeatInstr, ValueId } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';

export interface InlineOptions {
  /** Also expand calls whose region has a custom gradient. */
  readonly customVjp: boolean;
}

/** The entry with everything inlined: a program of one function. */
export function inlineProgram(program: Program, options: InlineOptions = { customVjp: true }): Program {
  const entry = must(program.functions.get(program.entry), 'the entry exists');
  const builder = new FnBuilder();
  const values = new Map<ValueId, Tensor>();
  for (const p of entry.params) values.set(p.id, builder.param(p.name, p.role, typeIn(entry, p.id)));
  new Inliner(program, builder, options).body(entry, values, '', true);
  const results = entry.results.map((r) => ({ name: r.name, value: must(values.get(r.id), r.name) }));
  const flat = builder.finish(entry.name, results, entry.origin);
  const functions = new Map([[flat.name, flat]]);
  for (const instr of flat.body) if (instr.kind === 'call') keepCallees(program, instr, functions);
  return { ...program, functions };
}

function keepCallees(program: Program, instr: CallInstr, functions: Map<string, Fn>): void {
  const names = [instr.fn, ...(instr.region.kind === 'customVjp' ? [instr.region.vjp] : [])];
  for (const name of names) {
    if (functions.has(name)) continue;
    const fn = must(program.functions.get(name), name);
    functions.set(name, fn);
    for (const inner of fn.body) if (inner.kind === 'call') keepCallees(program, inner, functions);
  }
}

class Inliner {
  readonly #program: Program;
  readonly #builder: FnBuilder;
  readonly #options: InlineOptions;
  #regionOpen = false;

  constructor(program: Program, builder: FnBuilder, options: InlineOptions) {
    this.#program = program;
    this.#builder = builder;
    this.#options = options;
  }

  body(fn: Fn, values: Map<ValueId, Tensor>, path: string, entry = false): void {
    const get = (id: ValueId): Tensor => must(values.get(id), `%${id} of ${fn.name}`);
    for (const instr of fn.body) {
      this.#builder.setPath(path === '' ? undefined : path);
      const outputs = this.#instr(fn, instr, get, path, entry);
      instr.outputs.forEach((id, i) => values.set(id, must(outputs[i], `output ${i}`)));
    }
  }

  #instr(fn: Fn, instr: Instr, get: (id: ValueId) => Tensor, path: string, entry: boolean): Tensor[] {
    switch (instr.kind) {
      case 'op': {
        const infos = instr.outputs.map((id) => {
          const info = must(fn.values.get(id), `%${id}`);
          return path === '' || entry ? info : { ...info, path };
        });
        return this.#builder.append(atPath(instr, path), infos, instr.inputs.map(get));
      }
      case 'call':
        return this.#call(instr.fn, instr.site, instr.region, instr.inputs.map(get), join(path, instr.site));
      case 'repeat':
        return this.#repeat(instr, get, path);
    }
  }

  #call(name: string, site: string, region: Region, inputs: readonly Tensor[], path: string): Tensor[] {
    const fn = must(this.#program.functions.get(name), `function ${name}`);
    if (region.kind === 'customVjp' && !this.#options.customVjp) return this.#builder.call(fn, site, inputs, region);
    const opens = region.kind !== 'plain' && region.kind !== 'customVjp' && !this.#regionOpen;
    const ids = inputs.map((x) => x.id);
    const index = opens ? this.#builder.addRegion({ region, inputs: ids, outputs: [], path }) : undefined;
    if (opens) {
      this.#regionOpen = true;
      this.#builder.setRegion(index);
    }
    const values = new Map<ValueId, Tensor>();
    fn.params.forEach((p, i) => values.set(p.id, inputs[i] as Tensor));
    this.body(fn, values, path);
    const outputs = fn.results.map((r) => must(values.get(r.id), r.name));
    if (opens && index !== undefined) {
      this.#builder.replaceRegion(index, { region, inputs: ids, outputs: outputs.map((o) => o.id), path });
      this.#builder.setRegion(undefined);
      this.#regionOpen = false;
    }
    return outputs;
  }

  #repeat(instr: RepeatInstr, get: (id: ValueId) => Tensor, path: string): Tensor[] {
    let carry = instr.carry.map(get);
    const collected: Tensor[][] = [];
    instr.bodies.forEach((name, i) => {
      const layer = `${join(path, instr.site)}/${instr.first + i}`;
      const own = (instr.layerInputs[i] ?? []).map(get);
      const outputs = this.#call(
        name,
        instr.site,
        instr.region,
        [...carry, ...instr.broadcast.map(get), ...own],
        layer,
      );
      carry = outputs.slice(0, instr.carry.length);
      outputs.slice(instr.carry.length).forEach((o, k) => (collected[k] ??= []).push(o));
    });
    this.#builder.setPath(join(path, instr.site));
    return [...carry, ...collected.map(stack)];
  }
}

/** A noise site becomes unique by the path of its call, so that layers that share a function draw apart. */
const atPath = (instr: OpInstr, path: string): OpInstr =>
  instr.op === 'noise' ? { ...instr, attrs: { ...(instr.attrs as OpAttrs['noise']), site: join(path, (instr.attrs as OpAttrs['noise']).site) } } : instr;

/** Tensors of one type along a new first axis. */
function stack(xs: readonly Tensor[]): Tensor {
  const rows = xs.map((x) => reshape(x, [1, ...x.type.shape]));
  const first = must(rows[0], 'a stack has layers');
  return concat(rows as [Tensor, ...Tensor[]], -first.type.shape.length);
}

const join = (path: string, site: string): string => (path === '' ? site : `${path}/${site}`);
