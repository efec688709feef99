/**
 * Builds what a custom node traced, instruction by instruction, with the host's own tracer: types are inferred here, not
 * taken over, so that a foreign program can only be one that our own nodes could have made. What does not fit is refused.
 */
import { contentHash } from '../base/canonical.ts';
import { BugError } from '../base/errors.ts';
import { symbolsOf, type Dim } from '../ir/dim.ts';
import type { Fn, OpInstr, Region } from '../ir/program.ts';
import type { Tensor } from '../ir/tensor.ts';
import { parseType, printType, sameType, tensorType, type ValueType } from '../ir/types.ts';
import type { InitSpec } from '../nodekit/init.ts';
import { Unsupported, type LinearOperator } from '../nodekit/operator.ts';
import type { Scope } from '../nodekit/scope.ts';
import { ShapeError } from '../ops/rule.ts';
import { isOpName, OPS } from '../ops/table.ts';
import { dimsOf, verifyFn } from '../ops/verify.ts';
import { FnBuilder, typeIn } from '../tracing/builder.ts';
import {
  MOST,
  type AnswerDeclaration,
  type AnswerCall,
  type AnswerFn,
  type AnswerOp,
  type AnswerProgram,
} from './answer.ts';
import { checkType } from './caps.ts';
import * as messages from './messages.ts';
import { Refused } from './refused.ts';
import { BASE_CALLS } from './wireText.ts';

export interface Replayed {
  /** By their names in the answer. */
  readonly results: readonly Tensor[];
  readonly instructions: number;
}

/** Where a program is built: the scope, the node type for names of functions, and the layer under a transform. */
export interface ReplayTarget {
  readonly scope: Scope;
  readonly nodeType: string;
  readonly base?: LinearOperator;
}

type BaseCall = (inputs: readonly Tensor[]) => Tensor;

/** Builds the program in the scope, with `inputs` for its first parameters, and gives its results without taps. */
export function replay(target: ReplayTarget, program: AnswerProgram, inputs: readonly Tensor[]): Replayed {
  try {
    return new Replay(target).run(program, inputs);
  } catch (error) {
    if (error instanceof Refused || error instanceof ShapeError || error instanceof Unsupported) throw error;
    // Everything else is the foreign program at fault: our own tracer refused what no node of ours can say.
    if (error instanceof BugError || error instanceof TypeError || error instanceof RangeError)
      throw new Refused(messages.notAnAnswer(error.message.slice(0, 300)));
    throw error;
  }
}

class Replay {
  readonly #scope: Scope;
  readonly #nodeType: string;
  readonly #symbols: ReadonlySet<string>;
  readonly #base: ReadonlyMap<string, BaseCall>;
  #instructions = 0;

  constructor({ scope, nodeType, base }: ReplayTarget) {
    this.#scope = scope;
    this.#nodeType = nodeType;
    const { batch, length } = scope.context.symbols;
    this.#symbols = new Set([...namesOf(batch), ...namesOf(length)]);
    this.#base = base ? callsOf(base) : new Map<string, BaseCall>();
  }

  run(program: AnswerProgram, inputs: readonly Tensor[]): Replayed {
    const functions = new Map<string, Fn>();
    for (const fn of program.functions) functions.set(fn.name, this.#function(fn, functions));
    const { main, declarations, wires, taps } = program;
    if (inputs.length !== wires || main.params.length !== wires + declarations.length)
      throw new Refused(messages.notAnAnswer('a function with other parameters than it declares'));
    const values = new Map<number, Tensor>();
    main.params.forEach((p, i) => {
      const type = this.#type(p.type);
      const declaration = declarations[i - wires];
      const given = inputs[i];
      const tensor = i < wires ? given : declaration && this.#declare(declaration, type);
      if (!tensor || !sameType(tensor.type, type))
        throw new Refused(messages.notAnAnswer(`the parameter "${p.name}" with another type than it has`));
      values.set(p.id, tensor);
    });
    this.#body(main, values, this.#scope.builder, functions, true);
    const plain = main.results.length - taps.length;
    const results = main.results.map((r) => read(values, r.id));
    taps.forEach((name, i) => this.#scope.tap(name, results[plain + i] as Tensor));
    return { results: results.slice(0, Math.max(0, plain)), instructions: this.#instructions };
  }

  #type(text: string): ValueType {
    const type = parseType(text);
    checkType(type, this.#symbols);
    return type;
  }

  #declare(d: AnswerDeclaration, type: ValueType): Tensor {
    if (printType(type) !== printType(parseType(d.type)))
      throw new Refused(messages.notAnAnswer(`the parameter "${d.name}" with two types`));
    switch (d.role) {
      case 'input': {
        const wanted = this.#noiseInput(d.name);
        if (!sameType(wanted, type)) throw new Refused(messages.notAnAnswer(`"${d.name}" with the type ${d.type}`));
        return this.#scope.global(d.name, type);
      }
      case 'weight':
        return this.#scope.weight(d.name, this.#float(type).shape, d.source);
      case 'trainable': {
        // A lifted parameter starts from a weight of its own function, whose path stands in `initFrom`.
        const init = ('weight' in d.init ? { ...d.init, weight: d.initFrom ?? d.init.weight } : d.init) as InitSpec;
        return this.#scope.param(d.name, this.#float(type).shape, init, { scope: d.scope, decay: d.decay });
      }
    }
  }

  #float(type: ValueType): ValueType {
    if (type.dtype !== 'f32')
      throw new Refused(messages.notAllowed(`have parameters of type ${type.dtype}`, 'Use f32.'));
    if (type.shape.some((d) => typeof d !== 'number' || d === 0))
      throw new Refused(
        messages.notAllowed(`have a parameter of shape ${printType(type)}`, 'Give lengths that are known and not 0.'),
      );
    return type;
  }

  #noiseInput(name: 'rng/key' | 'rng/tokens' | 'rng/examples'): ValueType {
    const { batch, length } = this.#scope.context.symbols;
    if (name === 'rng/key') return tensorType('u32', [2]);
    return tensorType('i32', name === 'rng/tokens' ? [batch, length] : [batch]);
  }

  /** A function of the answer as one of the compiler's library. Its own parameters are lifted by the callers. */
  #function(fn: AnswerFn, functions: ReadonlyMap<string, Fn>): Fn {
    if (functions.has(fn.name)) throw new Refused(messages.notAnAnswer(`two functions named "${fn.name}"`));
    const builder = new FnBuilder();
    const values = new Map<number, Tensor>();
    for (const p of fn.params) values.set(p.id, builder.param(p.name, p.role, this.#type(p.type)));
    this.#body(fn, values, builder, functions, false);
    const origin = fn.origin ?? { nodeType: this.#nodeType, doc: '', args: {} };
    const results = fn.results.map((r) => ({ name: r.name, value: read(values, r.id) }));
    const made = builder.finish(fn.name, results, origin);
    const { library } = this.#scope.context;
    const hint = (origin.nodeType.split('.').pop() ?? 'custom').replace(/\W/g, '_');
    const content = contentHash([made.params, made.body, made.results, [...made.values], origin]);
    const kept = library.add(made, `${hint.charAt(0).toUpperCase()}${hint.slice(1)}`, `custom ${content}`);
    verifyFn(kept, library.functions, this.#symbols);
    return kept;
  }

  #body(
    fn: AnswerFn,
    values: Map<number, Tensor>,
    builder: FnBuilder,
    functions: ReadonlyMap<string, Fn>,
    top: boolean,
  ): void {
    const names = new Map(fn.names);
    for (const instr of fn.body) {
      if (++this.#instructions > MOST.instructions)
        throw new Refused(messages.tooLarge('instructions', this.#instructions, MOST.instructions));
      const inputs = instr.in.map((id) => read(values, id));
      const outputs =
        'op' in instr ? this.#op(instr, inputs, builder, top) : this.#call(instr, inputs, builder, functions, top);
      if (outputs.length !== instr.out.length)
        throw new Refused(messages.notAnAnswer('an instruction with another number of outputs than it has'));
      instr.out.forEach((id, i) => {
        const value = outputs[i] as Tensor;
        checkType(value.type, this.#symbols);
        if (values.has(id)) throw new Refused(messages.notAnAnswer(`the value %${id} twice`));
        values.set(id, value);
        const name = names.get(id);
        if (name !== undefined && 'op' in instr) builder.name(value, name);
      });
    }
  }

  #op(instr: AnswerOp, inputs: readonly Tensor[], builder: FnBuilder, top: boolean): readonly Tensor[] {
    const { op, attrs } = instr;
    if (!isOpName(op)) throw new Refused(messages.notAnAnswer(`the operation "${op}", which does not exist`));
    // The cases of an op's rule show which attributes it has, and in which order they are written.
    const wanted = Object.keys(OPS[op].cases[0]?.attrs ?? {});
    if (Object.keys(attrs).sort().join() !== [...wanted].sort().join())
      throw new Refused(messages.notAnAnswer(`"${op}" with other attributes than ${wanted.join(', ') || 'none'}`));
    const { site } = attrs;
    // Noise is told apart by the path of its site; inside of functions the calls give the path.
    const values = { ...attrs, ...(top && site !== undefined ? { site: this.#scope.path(site) } : {}) };
    const placed = Object.fromEntries(wanted.map((key) => [key, values[key as keyof typeof values]]));
    for (const d of dimsOf(instr as unknown as OpInstr)) this.#dim(d);
    return builder.emit(op, inputs, placed as never);
  }

  #dim(d: Dim): void {
    for (const s of namesOf(d))
      if (!this.#symbols.has(s))
        throw new Refused(messages.notAllowed(`use the length "${s.slice(0, 20)}"`, 'Take lengths from the inputs.'));
  }

  #call(
    instr: AnswerCall,
    inputs: readonly Tensor[],
    builder: FnBuilder,
    functions: ReadonlyMap<string, Fn>,
    top: boolean,
  ): readonly Tensor[] {
    const outside = top ? this.#base.get(instr.call) : undefined;
    if (outside) return [outside(inputs)];
    const fn = functions.get(instr.call);
    if (!fn || instr.site === '')
      throw new Refused(messages.notAnAnswer(`a call of "${instr.call}", which does not exist`));
    fn.params.forEach((p, i) => {
      if (!inputs[i] || !sameType(inputs[i].type, typeIn(fn, p.id)))
        throw new Refused(messages.notAnAnswer(`a call of "${instr.call}" with inputs of other types`));
    });
    const region: Region = { kind: instr.region };
    return builder.call(fn, top ? this.#scope.path(instr.site) : instr.site, inputs, region);
  }
}

function read(values: ReadonlyMap<number, Tensor>, id: number): Tensor {
  const value = values.get(id);
  if (!value) throw new Refused(messages.notAnAnswer(`the value %${id} before it is computed`));
  return value;
}

const namesOf = (d: Dim): Iterable<string> => (typeof d === 'number' ? [] : symbolsOf(d));

/** What a transform may ask of the layer under it. */
function callsOf(base: LinearOperator): ReadonlyMap<string, BaseCall> {
  const one = (inputs: readonly Tensor[]): Tensor => {
    if (inputs.length !== 1) throw new Refused(messages.notAnAnswer('a linear layer applied to several tensors'));
    return inputs[0] as Tensor;
  };
  const there = (x: Tensor | undefined): Tensor => {
    if (!x) throw new Refused(messages.notAnAnswer('a bias that the layer does not have'));
    return x;
  };
  return new Map<string, BaseCall>([
    [BASE_CALLS.apply, (inputs) => base.apply(one(inputs))],
    [BASE_CALLS.product, (inputs) => base.product(one(inputs))],
    [BASE_CALLS.applyTransposed, (inputs) => base.applyTransposed(one(inputs))],
    [BASE_CALLS.materialize, () => base.materialize()],
    [BASE_CALLS.bias, () => there(base.bias)],
    [BASE_CALLS.weight, () => there(base.raw?.weight)],
  ]);
}
