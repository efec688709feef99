/**
 * Builds one function: the emitter behind every symbolic tensor. It knows the ops' type rules and nothing of nodes,
 * documents or backends. A finished function is plain data.
 */
import { BugError, must } from '../base/errors.ts';
import type { OpAttrs, OpName } from '../ir/opAttrs.ts';
import type {
  CallInstr,
  Fn,
  FnOrigin,
  FnParam,
  Instr,
  ParamRole,
  Region,
  RegionInstance,
  RepeatInstr,
  ValueId,
  ValueInfo,
} from '../ir/program.ts';
import type { Emitter, Tensor } from '../ir/tensor.ts';
import { printType, sameType, type ValueType } from '../ir/types.ts';
import { inferTypes } from '../ops/table.ts';

export interface RepeatSpec {
  readonly site: string;
  readonly first: number;
  readonly bodies: readonly Fn[];
  readonly region: Region;
  readonly carry: readonly Tensor[];
  readonly broadcast: readonly Tensor[];
  readonly layerInputs: readonly (readonly Tensor[])[];
}

export class FnBuilder implements Emitter {
  readonly #values = new Map<ValueId, ValueInfo>();
  /** Parameters by name, in the order in which they were declared. */
  readonly #params = new Map<string, FnParam>();
  readonly #body: Instr[] = [];
  readonly #definitions = new Map<ValueId, Instr>();
  readonly #regions: RegionInstance[] = [];
  #next = 0;
  #path: string | undefined;
  #region: number | undefined;

  /** A builder that goes on where a finished function ends; its results are given again at `finish`. */
  static continuing(fn: Fn): FnBuilder {
    const builder = new FnBuilder();
    for (const [id, info] of fn.values) builder.#values.set(id, info);
    for (const p of fn.params) builder.#params.set(p.name, p);
    for (const instr of fn.body) builder.#push(instr);
    builder.#regions.push(...(fn.regions ?? []));
    builder.#next = 1 + [...fn.values.keys()].reduce((a, b) => Math.max(a, b), -1);
    return builder;
  }

  /** A builder that starts with the parameters, values and regions of a function and an empty body, for passes that rewrite it. */
  static rewriting(fn: Fn): FnBuilder {
    const builder = FnBuilder.continuing(fn);
    builder.#body.length = 0;
    builder.#definitions.clear();
    return builder;
  }

  /** The path given to the values that are emitted from here on. */
  setPath(path: string | undefined): void {
    this.#path = path;
  }

  /** The region that ops emitted from here on belong to. */
  setRegion(region: number | undefined): void {
    this.#region = region;
  }

  addRegion(region: RegionInstance): number {
    return this.#regions.push(region) - 1;
  }

  replaceRegion(index: number, region: RegionInstance): void {
    this.#regions[index] = region;
  }

  param(name: string, role: ParamRole, type: ValueType): Tensor {
    if (this.#params.has(name)) throw new BugError(`two parameters are named "${name}"`);
    const value = this.#value(type, name);
    this.#params.set(name, { id: value.id, name, role });
    return value;
  }

  /** The parameter of this name if the function already has it. */
  existingParam(name: string): Tensor | undefined {
    const known = this.#params.get(name);
    return known && this.tensor(known.id);
  }

  tensor(id: ValueId): Tensor {
    return { emitter: this, id, type: must(this.#values.get(id), `value %${id} exists`).type };
  }

  info(id: ValueId): ValueInfo {
    return must(this.#values.get(id), `value %${id} exists`);
  }

  /** The instruction that computes a value; none for a parameter. */
  definition(id: ValueId): Instr | undefined {
    return this.#definitions.get(id);
  }

  emit<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: OpAttrs[K]): Tensor[] {
    for (const x of inputs) this.#own(x);
    const types = inferTypes(
      op,
      attrs,
      inputs.map((x) => x.type),
    );
    const outputs = types.map((t) => this.#value(t));
    this.#push({
      kind: 'op',
      op,
      attrs,
      inputs: inputs.map((x) => x.id),
      outputs: outputs.map((x) => x.id),
      ...(this.#region === undefined ? {} : { region: this.#region }),
    });
    return outputs;
  }

  name(value: Tensor, name: string): void {
    this.#own(value);
    this.#values.set(value.id, { ...this.info(value.id), name });
  }

  call(fn: Fn, site: string, inputs: readonly Tensor[], region: Region): Tensor[] {
    checkArguments(fn, inputs);
    for (const x of inputs) this.#own(x);
    const outputs = fn.results.map((r) => this.#value(typeIn(fn, r.id), r.name));
    const within = this.#region === undefined ? {} : { within: this.#region };
    const instr: CallInstr = { kind: 'call', fn: fn.name, site, region, inputs: ids(inputs), outputs: ids(outputs) };
    this.#push({ ...instr, ...within });
    return outputs;
  }

  /** The layers of a stack in turn. Collected results are stacked along a new first axis, so they must agree in type. */
  repeat(spec: RepeatSpec): Tensor[] {
    const last = must(spec.bodies[spec.bodies.length - 1], 'a stack has at least one layer');
    spec.bodies.forEach((fn, i) =>
      checkArguments(fn, [...spec.carry, ...spec.broadcast, ...must(spec.layerInputs[i], 'inputs for every layer')]),
    );
    const outputs = last.results.map((r, i) => {
      const type = typeIn(last, r.id);
      const collected = i >= spec.carry.length;
      return this.#value(collected ? { ...type, shape: [spec.bodies.length, ...type.shape] } : type, r.name);
    });
    const instr: RepeatInstr = {
      kind: 'repeat',
      site: spec.site,
      first: spec.first,
      bodies: spec.bodies.map((f) => f.name),
      region: spec.region,
      carry: ids(spec.carry),
      broadcast: ids(spec.broadcast),
      layerInputs: spec.layerInputs.map(ids),
      outputs: ids(outputs),
    };
    this.#push(instr);
    return outputs;
  }

  /** Appends a copy of an instruction, of this or another function, under new values and in the current region. */
  append(instr: Instr, outputs: readonly ValueInfo[], inputs: readonly Tensor[]): Tensor[] {
    if (instr.kind === 'repeat') throw new BugError('repeat is expanded before passes copy instructions');
    for (const x of inputs) this.#own(x);
    const made = outputs.map((o) => this.#value(o.type, o.name, o.path));
    const places = { inputs: ids(inputs), outputs: ids(made) };
    const region = this.#region;
    if (instr.kind === 'op') {
      const { region: _old, ...rest } = instr;
      this.#push({ ...rest, ...places, ...(region === undefined ? {} : { region }) });
    } else {
      const { within: _old, ...rest } = instr;
      this.#push({ ...rest, ...places, ...(region === undefined ? {} : { within: region }) });
    }
    return made;
  }

  /** Appends an instruction of the function being rewritten as it is, under its own values; they must not be defined yet. */
  keep(instr: Instr): void {
    this.#push(instr);
  }

  /** Number of instructions so far. */
  get size(): number {
    return this.#body.length;
  }

  finish(name: string, results: readonly { readonly name: string; readonly value: Tensor }[], origin?: FnOrigin): Fn {
    for (const r of results) this.#own(r.value);
    return {
      name,
      params: [...this.#params.values()],
      body: [...this.#body],
      results: results.map((r) => ({ name: r.name, id: r.value.id })),
      values: this.#definedValues(),
      ...(origin === undefined ? {} : { origin }),
      ...(this.#regions.length === 0 ? {} : { regions: [...this.#regions] }),
    };
  }

  /** A rewritten function no longer defines every value it began with. */
  #definedValues(): Map<ValueId, ValueInfo> {
    const defined = [...[...this.#params.values()].map((p) => p.id), ...this.#body.flatMap((instr) => instr.outputs)];
    return new Map(defined.map((id) => [id, this.info(id)]));
  }

  #value(type: ValueType, name?: string, path = this.#path): Tensor {
    const id = this.#next++ as ValueId;
    this.#values.set(id, { type, ...(name === undefined ? {} : { name }), ...(path === undefined ? {} : { path }) });
    return { emitter: this, id, type };
  }

  #push(instr: Instr): void {
    this.#body.push(instr);
    for (const id of instr.outputs) this.#definitions.set(id, instr);
  }

  #own(x: Tensor): void {
    if (x.emitter !== this) throw new BugError(`value %${x.id} belongs to another function`);
  }
}

const ids = (xs: readonly Tensor[]): ValueId[] => xs.map((x) => x.id);

export const typeIn = (fn: Fn, id: ValueId): ValueType => must(fn.values.get(id), `${fn.name} has value %${id}`).type;

function checkArguments(fn: Fn, inputs: readonly Tensor[]): void {
  if (inputs.length !== fn.params.length)
    throw new BugError(`${fn.name} takes ${fn.params.length} inputs, got ${inputs.length}`);
  fn.params.forEach((p, i) => {
    const got = (inputs[i] as Tensor).type;
    const want = typeIn(fn, p.id);
    if (!sameType(got, want))
      throw new BugError(`${fn.name}(${p.name}) takes ${printType(want)}, got ${printType(got)}`);
  });
}
