/**
 * Writes the forward code of one function: every op becomes an expression, an expression that is read once moves into its
 * reader while it stays short, and what remains gets a name that says what it is.
 */
import { must } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { CallInstr, Instr, OpInstr, RepeatInstr, ValueId } from '../../ir/program.ts';
import { sameType, type ValueType } from '../../ir/types.ts';
import { dataOf, type Attributes } from './attributes.ts';
import type { AttributeContext } from './context.ts';
import { dimExpression, type SizedInput } from './dims.ts';
import type { HoleKind } from './holes.ts';
import { hintOf } from './hints.ts';
import { OP_EXPRESSIONS, type OpContext, type OpExpression, type Operand } from './ops.ts';
import { planCode, type Plan } from './plan.ts';
import type { Matcher } from './patterns.ts';
import type { StackList } from './stacks.ts';
import { FREE, Values, type Cost, type Held } from './values.ts';
import { own, type Ident, type Namer } from './python/identifiers.ts';
import {
  attribute,
  call,
  dotted,
  index,
  integer,
  invoke,
  method,
  name,
  slice,
  TENSOR,
  tuple,
  type Expr,
  type Statement,
} from './python/syntax.ts';

export class ForwardWriter {
  readonly #c: AttributeContext;
  readonly #attributes: Attributes;
  readonly #values: Values;
  readonly #made = new Map<ValueId, OpInstr>();
  readonly #plan: Plan;
  readonly #inputs: (readonly [ValueId, Expr])[] = [];
  /** The variable of all loops over layers. */
  #layer: Ident | undefined;
  /** Queries, keys and values: steps of their own where they are more than one call. */
  readonly #attended: ReadonlySet<ValueId>;

  /** `results` are the values that the end of the code reads, each as often as it does. */
  constructor(c: AttributeContext, attributes: Attributes, results: readonly ValueId[]) {
    this.#c = c;
    this.#attributes = attributes;
    for (const instr of c.fn.body) if (instr.kind === 'op') for (const id of instr.outputs) this.#made.set(id, instr);
    this.#attended = new Set(
      c.fn.body.flatMap((i) => (i.kind === 'op' && i.op === 'attention' ? i.inputs.slice(0, 3) : [])),
    );
    const data = (instr: Instr): readonly ValueId[] => dataOf(instr, c.partOf);
    this.#plan = planCode({ fn: c.fn, results, dataOf: data, matcher: (instr) => this.#matcher(instr) });
    this.#values = new Values({
      uses: (id) => this.#usesOf(id),
      hint: (id) => this.#hint(id),
      isStep: (id, cost) => this.#isStep(id, cost),
      mayReplace: (old, next) => this.#mayReplace(old, next),
      weight: (id) => attributes.weight(id),
    });
  }

  get names(): Namer {
    return this.#values.names;
  }

  get statements(): Statement[] {
    return this.#values.statements;
  }

  /** Binds an input of the function to what the code calls it. */
  bind(id: ValueId, expr: Expr): void {
    this.#values.bind(id, expr);
    this.#inputs.push([id, expr]);
  }

  write(body: readonly Instr[]): void {
    for (const instr of body) {
      if (instr.kind === 'op') this.#op(instr);
      else if (instr.kind === 'call') this.#call(instr);
      else this.#repeat(instr);
    }
  }

  /** The expression of a value, where the end of the code reads it. */
  read(id: ValueId): Expr {
    return this.#values.takeTensor(id);
  }

  #usesOf(id: ValueId): number {
    return this.#plan.uses.get(id) ?? 0;
  }

  #hint(id: ValueId): string {
    return hintOf(id, { fn: this.#c.fn, attributes: this.#attributes, made: (x) => this.#made.get(x) });
  }

  /** Values that nodes name, what attention reads unless it is one call, and what it gives. */
  #isStep(id: ValueId, cost: Cost): boolean {
    const instr = this.#made.get(id);
    if (cost.count > 1 && this.#attended.has(id)) return true;
    return instr !== undefined && (instr.op === 'attention' || this.#c.fn.values.get(id)?.name !== undefined);
  }

  /** Lengths are read off inputs by name, so what takes the name of an input must have its shape. */
  #mayReplace(old: ValueId, next: ValueId): boolean {
    return !this.#inputs.some(([id]) => id === old) || sameType(this.#type(old), this.#type(next));
  }

  #constant(id: ValueId): number | undefined {
    const instr = this.#made.get(id);
    if (instr?.op !== 'constant') return undefined;
    const attrs = instr.attrs as OpAttrs['constant'];
    return attrs.shape.length === 0 ? attrs.value : undefined;
  }

  #type(id: ValueId): ValueType {
    return must(this.#c.fn.values.get(id), `%${id} of ${this.#c.fn.name}`).type;
  }

  #op(instr: OpInstr): void {
    const id = instr.outputs[0] as ValueId;
    const isRead = instr.outputs.some((out) => this.#usesOf(out) > 0);
    if (!isRead || this.#plan.inside.has(instr) || (instr.op === 'noise' && this.#attentionReads(id))) return;
    const match = this.#plan.matches.get(instr);
    if (match) {
      const { exprs, cost } = this.#values.takeAll(match.operands);
      this.#values.hold([[id, { expr: match.build(exprs), cost, isNumber: false }]]);
      return;
    }
    const data = instr.op === 'attention' ? instr.inputs.slice(0, 4) : instr.inputs;
    const isNumber = data.map((x) => this.#values.get(x).isNumber);
    const { exprs, cost } = this.#values.takeAll(data, !OPERATORS.includes(instr.op));
    const operands = data.map((x, i): Operand => ({
      expr: exprs[i] as Expr,
      isNumber: isNumber[i] === true,
      type: this.#type(x),
    }));
    const expression = OP_EXPRESSIONS[instr.op] as OpExpression<typeof instr.op>;
    const made = expression(instr.attrs, this.#opContext(instr, operands));
    const values = Array.isArray(made) ? (made as readonly Expr[]) : [made as Expr];
    const numeric = isNumeric(instr, operands);
    const isTrivial = numeric || (values[0] === exprs[0] && cost.count === 1);
    const held = (i: number): Held => ({
      expr: must(values[i], `output ${i}`),
      cost: isTrivial ? FREE : cost,
      isNumber: numeric,
    });
    this.#values.hold(instr.outputs.map((out, i) => [out, held(i)] as const));
  }

  #attentionReads(noise: ValueId): boolean {
    return this.#c.fn.body.some((i) => i.kind === 'op' && i.op === 'attention' && i.inputs[4] === noise);
  }

  #matcher(instr: OpInstr): Omit<Matcher, 'inner' | 'made'> {
    return {
      attributes: this.#attributes,
      constant: (id) => this.#constant(id),
      type: (id) => this.#type(id),
      outputSize: (axis) => this.#size(instr.outputs[0] as ValueId, axis),
      device: () => this.#device(),
    };
  }

  #opContext(instr: OpInstr, inputs: readonly Operand[]): OpContext {
    return {
      inputs,
      outputs: instr.outputs.map((id) => this.#type(id)),
      hole: (kind, value, hint) => this.#number(instr, kind, value, hint),
      outputSize: (axis) => this.#size(instr.outputs[0] as ValueId, axis),
      dim: (d) => this.#dim(d),
      device: () => this.#device(),
      attention: () =>
        call(
          this.#attributes.attention(instr),
          inputs.map((o) => o.expr),
        ),
    };
  }

  /** A factor of a product is called so; it is what the node scales by. */
  #number(instr: OpInstr, kind: HoleKind, value: number, hint: string): Expr {
    const readers = this.#c.fn.body.filter((i) => i.kind === 'op' && i.inputs.includes(instr.outputs[0] as ValueId));
    const scales =
      instr.op === 'constant' &&
      kind === 'number' &&
      readers.length > 0 &&
      readers.every((i) => i.kind === 'op' && i.op === 'mul');
    return this.#c.holes.add(scales ? { kind: 'factor', value, hint: 'scale' } : { kind, value, hint });
  }

  /** The length of a value's axis: read off an input that has the same size, else a number. */
  #size(id: ValueId, axis: number): Expr {
    const dim = must(this.#type(id).shape[axis], `axis ${axis}`);
    if (!isStatic(dim)) return this.#dim(dim);
    if (dim === 1) return integer(1);
    const size = this.#c.sizes.of(id, axis);
    for (const [input, expr] of this.#inputs) {
      const rank = this.#type(input).shape.length;
      for (let i = 0; i < rank; i++) {
        if (size !== undefined && this.#c.sizes.of(input, i) === size)
          return index(attribute(expr, own('shape')), integer(i === rank - 1 ? -1 : i));
      }
    }
    const ofWeight = this.#c.fn.params.some(
      (p) => p.role !== 'input' && this.#type(p.id).shape.some((_, i) => this.#c.sizes.of(p.id, i) === size),
    );
    const number = (): Expr =>
      this.#c.holes.add({ kind: 'size', value: dim, hint: 'size', ...(size === undefined ? {} : { size }) });
    return ofWeight ? number() : dimExpression(dim, this.#shapes(), number);
  }

  #shapes(): readonly SizedInput[] {
    return this.#inputs.map(([id, expr]) => ({ shape: this.#type(id).shape, expr }));
  }

  /** The run-time value of a dimension. */
  #dim(d: Dim): Expr {
    return dimExpression(d, this.#shapes(), (value) => this.#c.holes.add({ kind: 'integer', value, hint: 'length' }));
  }

  #device(): Readonly<Record<string, Expr>> {
    const [input] = this.#inputs;
    const weight = [...this.#attributes.tensors.values()][0];
    const holder = input?.[1] ?? (weight === undefined ? undefined : this.#attributes.weight(weight));
    return holder ? { device: attribute(holder, own('device')) } : {};
  }

  #call(instr: CallInstr): void {
    const { fn } = this.#c.partOf(instr.fn);
    const data = instr.inputs.filter((_, i) => fn.params[i]?.role === 'input');
    const isNumber = data.map((id) => this.#values.get(id).isNumber);
    const { exprs: read, cost } = this.#values.takeAll(data);
    const exprs = read.map((e, i) => (isNumber[i] === true ? invoke('torch.tensor', [e]) : e));
    const module = this.#attributes.called(instr);
    const value = instr.region.kind === 'checkpoint' ? checkpointed(module, exprs) : call(module, exprs);
    const [only, ...more] = instr.outputs;
    if (only !== undefined && more.length === 0) {
      this.#values.hold([[only, { expr: value, cost, isNumber: false }]]);
      return;
    }
    const targets = instr.outputs.map((id) => name(this.#usesOf(id) === 0 ? own('_') : this.#values.declare(id)));
    this.#values.assign(targets, value);
  }

  #repeat(instr: RepeatInstr): void {
    const { self, list } = this.#attributes.stack(instr);
    const carries = instr.carry.map((id, i) => this.#values.carry(id, instr.outputs[i] as ValueId));
    const data = instr.broadcast.map((id) => {
      if (this.#values.get(id).cost.count > 0) this.#values.store(id);
      return this.#values.takeTensor(id);
    });
    const collected = instr.outputs.slice(instr.carry.length);
    // Fresh names: a variable of before may still be read in the next round of the loop.
    const items = collected.map((id) => this.names.mint(this.#hint(id)));
    const lists = items.map((item) => this.names.mint(`${item}s`));
    for (const l of lists) this.statements.push({ kind: 'assign', targets: [name(l)], annotation: LIST, value: EMPTY });
    const layer = list.shared ? self : name((this.#layer ??= this.names.mint('layer')));
    const args = [...carries, ...data];
    const value = instr.region.kind === 'checkpoint' ? checkpointed(layer, args) : call(layer, args);
    const targets = [...carries, ...items.map((item) => name(item))];
    const append = (l: Ident, i: number): Statement => ({
      kind: 'expression',
      value: method(name(l), 'append', [name(items[i] as Ident)]),
    });
    const body: Statement[] = [
      { kind: 'assign', targets: [targets.length === 1 ? (targets[0] as Expr) : tuple(targets)], value },
      ...lists.map(append),
    ];
    const over = layersOf(instr, self, list);
    this.statements.push({ kind: 'for', target: list.shared ? name(own('_')) : layer, over, body });
    const stacked = (l: Ident): Held => ({
      expr: invoke('torch.stack', [name(l)]),
      cost: { count: 1, depth: 1 },
      isNumber: false,
    });
    this.#values.hold(collected.map((id, i) => [id, stacked(lists[i] as Ident)] as const));
  }
}

const LIST: Expr = index(dotted('list'), TENSOR);
const EMPTY: Expr = { kind: 'list', items: [] };
/** Ops that are written as operators. */
const OPERATORS: readonly string[] = ['add', 'sub', 'mul', 'div', 'neg', 'constant'];

/** What a loop over layers runs over: the whole list, a part of it, or so many times. */
function layersOf(instr: RepeatInstr, self: Expr, list: StackList): Expr {
  const count = instr.bodies.length;
  if (list.shared) return call(dotted('range'), [integer(count)]);
  if (count === list.layers.length) return self;
  const from = instr.first - list.first;
  return index(self, slice(from === 0 ? undefined : integer(from), integer(from + count)));
}

const checkpointed = (module: Expr, args: readonly Expr[]): Expr =>
  invoke('checkpoint', [module, ...args], { use_reentrant: dotted('False') });

/** Values that are Python numbers: constants, lengths, and what is computed from them alone. */
function isNumeric(instr: OpInstr, operands: readonly Operand[]): boolean {
  if (instr.op === 'dimension') return true;
  if (instr.op === 'constant') return (instr.attrs as OpAttrs['constant']).shape.length === 0;
  const arithmetic = ['cast', 'add', 'sub', 'mul', 'div', 'neg'].includes(instr.op);
  return arithmetic && operands.length > 0 && operands.every((o) => o.isNumber);
}
