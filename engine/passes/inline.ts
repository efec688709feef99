/**
 * Expands calls and stacks into one flat function. Calls with a custom gradient may stay until the backward pass has used
 * it. Values of the entry keep their ids, so that what is known of them (cotangents, regions) stays true.
 */
import { must } from '../base/errors.ts';
import { concat, reshape } from '../ir/build.ts';
import type { OpAttrs } from '../ir/opAttrs.ts';
import type {
  CallInstr,
  Fn,
  OpInstr,
  Program,
  Region,
  RegionInstance,
  RepeatInstr,
  ValueId,
  ValueInfo,
} from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { functionsOf } from '../ops/verify.ts';
import type { FnBuilder } from '../tracing/builder.ts';
import type { Differentiated } from './flat.ts';
import { Rewrite, withEntry } from './flat.ts';

export interface InlineOptions {
  /** Also expand calls whose region has a custom gradient. */
  readonly customVjp: boolean;
  /** Also expand the inverse of every reversible region (`RegionInstance.restored`), which recomputation needs. */
  readonly inverses?: boolean;
}

/** The entry with everything inlined: a program of one function, and of those that remaining calls need. */
export function inlineProgram(program: Program, options: InlineOptions = { customVjp: true }): Program {
  return inlineEntry(program, options).program;
}

/** Inlines what differentiation left or made: the calls with a custom gradient, and the calls of those gradients. */
export function inlineDifferentiated(d: Differentiated, options: InlineOptions = { customVjp: true }): Differentiated {
  const { program, rewrite, starts } = inlineEntry(d.program, options);
  const cotangents = [...d.cotangents].map(([id, c]) => [rewrite.resolve(id), rewrite.resolve(c)] as const);
  return { program, backwardStart: must(starts[d.backwardStart], 'backward start'), cotangents: new Map(cotangents) };
}

interface Inlined {
  readonly program: Program;
  readonly rewrite: Rewrite;
  /** For each instruction of the old entry, and for its end, the position in the new one. */
  readonly starts: readonly number[];
}

function inlineEntry(program: Program, options: InlineOptions): Inlined {
  const rewrite = new Rewrite(program);
  const inliner = new Inliner(program, rewrite.builder, options);
  const starts: number[] = [];
  for (const instr of rewrite.fn.body) {
    starts.push(rewrite.builder.size);
    if (instr.kind === 'op' || inliner.stays(instr)) {
      rewrite.keep(instr);
      continue;
    }
    rewrite.builder.setPath(undefined);
    const outputs = inliner.expandAtEntry(instr, (id) => rewrite.tensor(id));
    instr.outputs.forEach((id, i) => rewrite.replace(id, must(outputs[i], `output ${i}`)));
  }
  starts.push(rewrite.builder.size);
  const flat = rewrite.finish();
  return { program: withEntry({ ...program, functions: needed(program, flat) }, flat), rewrite, starts };
}

/** The entry and the functions that its remaining calls run. */
function needed(program: Program, flat: Fn): Map<string, Fn> {
  const functions = new Map([[flat.name, flat]]);
  const visit = (fn: Fn): void => {
    for (const name of fn.body.flatMap(functionsOf)) {
      if (functions.has(name)) continue;
      const callee = must(program.functions.get(name), `function ${name}`);
      functions.set(name, callee);
      visit(callee);
    }
  };
  visit(flat);
  return functions;
}

class Inliner {
  readonly #program: Program;
  readonly #builder: FnBuilder;
  readonly #options: InlineOptions;
  /** Whether a region is open: of nested regions only the outermost counts, since its recomputation covers the inner ones. */
  #regionOpen = false;

  constructor(program: Program, builder: FnBuilder, options: InlineOptions) {
    this.#program = program;
    this.#builder = builder;
    this.#options = options;
  }

  stays(instr: CallInstr | RepeatInstr): boolean {
    return instr.kind === 'call' && instr.region.kind === 'customVjp' && !this.#options.customVjp;
  }

  /** Expands an instruction of the entry, which may itself stand in a region when its calls were inlined before. */
  expandAtEntry(instr: CallInstr | RepeatInstr, get: (id: ValueId) => Tensor): Tensor[] {
    const within = instr.kind === 'call' ? instr.within : undefined;
    this.#builder.setRegion(within);
    this.#regionOpen = within !== undefined;
    return this.#expand(instr, get, '');
  }

  #expand(instr: CallInstr | RepeatInstr, get: (id: ValueId) => Tensor, path: string): Tensor[] {
    if (instr.kind === 'repeat') return this.#repeat(instr, get, path);
    return this.#call(instr.fn, instr.site, instr.region, instr.inputs.map(get), join(path, instr.site));
  }

  #body(fn: Fn, inputs: readonly Tensor[], path: string): Tensor[] {
    const values = new Map<ValueId, Tensor>();
    fn.params.forEach((p, i) => values.set(p.id, must(inputs[i], p.name)));
    const get = (id: ValueId): Tensor => must(values.get(id), `%${id} of ${fn.name}`);
    for (const instr of fn.body) {
      const infos = instr.outputs.map((id): ValueInfo => {
        const info = must(fn.values.get(id), `%${id}`);
        return { ...info, path: info.path === undefined ? path : join(path, info.path) };
      });
      this.#builder.setPath(infos[0]?.path ?? path);
      const outputs =
        instr.kind === 'op'
          ? this.#builder.append(atPath(instr, path), infos, instr.inputs.map(get))
          : this.#expand(instr, get, path);
      instr.outputs.forEach((id, i) => values.set(id, must(outputs[i], `output ${i}`)));
    }
    return fn.results.map((r) => get(r.id));
  }

  #call(name: string, site: string, region: Region, inputs: readonly Tensor[], path: string): Tensor[] {
    const fn = this.#function(name);
    if (region.kind === 'customVjp' && !this.#options.customVjp) return this.#builder.call(fn, site, inputs, region);
    const opens = (region.kind === 'checkpoint' || region.kind === 'reversible') && !this.#regionOpen;
    return opens ? this.#region(fn, region, inputs, path) : this.#body(fn, inputs, path);
  }

  #region(fn: Fn, region: Region, inputs: readonly Tensor[], path: string): Tensor[] {
    const opened: RegionInstance = { region, inputs: inputs.map((x) => x.id), outputs: [], path };
    const index = this.#builder.addRegion(opened);
    this.#regionOpen = true;
    this.#builder.setRegion(index);
    const outputs = this.#body(fn, inputs, path);
    this.#builder.setRegion(undefined);
    const closed: RegionInstance = { ...opened, outputs: outputs.map((o) => o.id) };
    const restored = this.#restore(region, inputs, outputs, path);
    this.#regionOpen = false;
    this.#builder.replaceRegion(index, restored ? { ...closed, restored: restored.map((x) => x.id) } : closed);
    return outputs;
  }

  #restore(region: Region, inputs: readonly Tensor[], outputs: readonly Tensor[], path: string): Tensor[] | undefined {
    if (region.kind !== 'reversible' || this.#options.inverses !== true) return undefined;
    const inverse = this.#function(region.inverse);
    // At the same path: the inverse must draw the noise of the layer that it undoes.
    return this.#body(inverse, [...outputs, ...inputs.slice(region.streams)], path);
  }

  #function(name: string): Fn {
    return must(this.#program.functions.get(name), `function ${name}`);
  }

  #repeat(instr: RepeatInstr, get: (id: ValueId) => Tensor, path: string): Tensor[] {
    let carry = instr.carry.map(get);
    const collected: Tensor[][] = [];
    instr.bodies.forEach((name, i) => {
      const layer = `${join(path, instr.site)}/${instr.first + i}`;
      const own = must(instr.layerInputs[i], `inputs of layer ${i}`).map(get);
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

/** Tensors of one type along a new first axis. */
function stack(xs: readonly Tensor[]): Tensor {
  const rows = xs.map((x) => reshape(x, [1, ...x.type.shape]));
  const first = must(rows[0], 'a stack has layers');
  return concat(rows as [Tensor, ...Tensor[]], -first.type.shape.length);
}

/** A noise site becomes unique by the path of its call, so that layers that share a function draw apart. */
function atPath(instr: OpInstr, path: string): OpInstr {
  if (instr.op !== 'noise') return instr;
  const attrs = instr.attrs as OpAttrs['noise'];
  return { ...instr, attrs: { ...attrs, site: join(path, attrs.site) } };
}

const join = (path: string, site: string): string => (path === '' ? site : `${path}/${site}`);
