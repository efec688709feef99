/**
 * Writes the forward code of one function: every op becomes an expression, an expression that is read once moves into its
 * reader while it stays short, and what remains gets a name that says what it is.
 */
import { BugError, must } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { CallInstr, Instr, OpInstr, RepeatInstr, ValueId } from '../../ir/program.ts';
import type { ValueType } from '../../ir/types.ts';
import { dataOf, type Attributes } from './attributes.ts';
import type { AttributeContext } from './context.ts';
import { dimExpression } from './dims.ts';
import type { HoleKind } from './holes.ts';
import { hintOf } from './hints.ts';
import { OP_EXPRESSIONS, type OpContext, type OpExpression, type Operand } from './ops.ts';
import { matchPattern, type Matcher } from './patterns.ts';
import { Namer, own, type Ident } from './python/identifiers.ts';
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

/** An expression that no statement has computed yet, or the name of one that has. */
interface Held {
  readonly expr: Expr;
  /** Calls and operators in it. */
  readonly cost: number;
  readonly isNumber: boolean;
}

/** Calls and operators that one statement may hold. */
const LONGEST = 4;

export class ForwardWriter {
  readonly #c: AttributeContext;
  readonly #attributes: Attributes;
  readonly #held = new Map<ValueId, Held>();
  readonly #made = new Map<ValueId, OpInstr>();
  readonly #uses = new Map<ValueId, number>();
  readonly #inputs: (readonly [ValueId, Expr])[] = [];
  readonly names = new Namer('local');
  readonly statements: Statement[] = [];

  constructor(c: AttributeContext, attributes: Attributes) {
    this.#c = c;
    this.#attributes = attributes;
    for (const instr of c.fn.body) {
      for (const id of dataOf(instr, c.partOf)) this.addUse(id);
      if (instr.kind === 'op') for (const id of instr.outputs) this.#made.set(id, instr);
    }
  }

  addUse(id: ValueId): void {
    this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1);
  }

  /** Binds an input of the function to what the code calls it. */
  bind(id: ValueId, expr: Expr): void {
    this.#held.set(id, { expr, cost: 0, isNumber: false });
    this.#inputs.push([id, expr]);
  }

  write(body: readonly Instr[]): void {
    for (const instr of body) {
      if (instr.kind === 'op') this.#op(instr);
      else if (instr.kind === 'call') this.#call(instr);
      else this.#repeat(instr);
    }
  }

  /** The expression of a value, where it is read. */
  read(id: ValueId): Expr {
    return this.#get(id).expr;
  }

  /** The name of a value; one that has none gets it now. */
  named(id: ValueId): Expr {
    if (this.#get(id).cost > 0) this.#store(id);
    return this.#get(id).expr;
  }

  made(id: ValueId): OpInstr | undefined {
    return this.#made.get(id);
  }

  constant(id: ValueId): number | undefined {
    const instr = this.#made.get(id);
    if (instr?.op !== 'constant') return undefined;
    const attrs = instr.attrs as OpAttrs['constant'];
    return attrs.shape.length === 0 ? attrs.value : undefined;
  }

  type(id: ValueId): ValueType {
    return must(this.#c.fn.values.get(id), `%${id} of ${this.#c.fn.name}`).type;
  }

  #get(id: ValueId): Held {
    const held = this.#held.get(id);
    if (held) return held;
    const weight = this.#attributes.weight(id);
    if (!weight) throw new BugError(`%${id} of ${this.#c.fn.name} is read before it is made`);
    return { expr: weight, cost: 0, isNumber: false };
  }

  #assign(targets: readonly Expr[], value: Expr): void {
    this.statements.push({ kind: 'assign', targets: [targets.length === 1 ? (targets[0] as Expr) : tuple(targets)], value });
  }

  #newName(id: ValueId): Ident {
    return this.names.mint(hintOf(id, { fn: this.#c.fn, attributes: this.#attributes, made: (x) => this.#made.get(x) }));
  }

  /** Turns an expression into a statement that gives it a name. */
  #store(id: ValueId): void {
    const { expr, isNumber } = this.#get(id);
    const target = name(this.#newName(id));
    this.#assign([target], expr);
    this.#held.set(id, { expr: target, cost: 0, isNumber });
  }

  /** Keeps an expression for its only reader, or stores it when it has several, or a name of its own. */
  #hold(id: ValueId, held: Held): void {
    const uses = this.#uses.get(id) ?? 0;
    if (uses === 0) return;
    this.#held.set(id, held);
    const isNamed = this.#made.has(id) && this.#c.fn.values.get(id)?.name !== undefined;
    if (held.cost > 0 && (uses > 1 || isNamed)) this.#store(id);
  }

  /** The operands' expressions; the longest are stored first where the reader would become too long. */
  #operands(ids: readonly ValueId[]): { readonly exprs: readonly Expr[]; readonly cost: number } {
    const total = (): number => ids.reduce((sum, id) => sum + this.#get(id).cost, 1);
    while (total() > LONGEST) {
      const longest = ids.reduce((a, b) => (this.#get(b).cost > this.#get(a).cost ? b : a));
      if (this.#get(longest).cost === 0) break;
      this.#store(longest);
    }
    return { exprs: ids.map((id) => this.#get(id).expr), cost: total() };
  }

  #op(instr: OpInstr): void {
    const outputs = instr.outputs.filter((id) => (this.#uses.get(id) ?? 0) > 0);
    const id = instr.outputs[0] as ValueId;
    if (outputs.length === 0 || this.#attributes.dropout(id)) return;
    const match = outputs.length === 1 && outputs[0] === id ? matchPattern(instr, this.#matcher(instr)) : undefined;
    if (match) {
      const { exprs, cost } = this.#operands(match.operands);
      this.#hold(id, { expr: match.build(exprs), cost, isNumber: false });
      return;
    }
    if (instr.op === 'noise' && this.#attentionReads(id)) return;
    const data = instr.op === 'attention' ? instr.inputs.slice(0, 4) : instr.inputs;
    const { cost } = this.#operands(data);
    const operands = data.map((x): Operand => ({ ...this.#get(x), type: this.type(x) }));
    const expression = OP_EXPRESSIONS[instr.op] as OpExpression<typeof instr.op>;
    const made = expression(instr.attrs as never, this.#opContext(instr, operands));
    const exprs = Array.isArray(made) ? (made as readonly Expr[]) : [made as Expr];
    const isNumber = isNumeric(instr, operands);
    const trivial = isNumber || exprs[0] === operands[0]?.expr;
    instr.outputs.forEach((out, i) => this.#hold(out, { expr: must(exprs[i], `output ${i}`), cost: trivial ? (operands[0] ? this.#get(data[0] as ValueId).cost : 0) : cost, isNumber }));
  }

  #attentionReads(noise: ValueId): boolean {
    return this.#c.fn.body.some((i) => i.kind === 'op' && i.op === 'attention' && i.inputs[4] === noise);
  }

  #matcher(instr: OpInstr): Matcher {
    return {
      attributes: this.#attributes,
      made: (id) => this.#made.get(id),
      inner: (id) => (this.#uses.get(id) === 1 && this.#c.fn.values.get(id)?.name === undefined ? this.#made.get(id) : undefined),
      constant: (id) => this.constant(id),
      type: (id) => this.type(id),
      outputSize: (axis) => this.#size(instr.outputs[0] as ValueId, axis),
      device: () => this.#device(),
    };
  }

  #opContext(instr: OpInstr, inputs: readonly Operand[]): OpContext {
    return {
      inputs,
      outputs: instr.outputs.map((id) => this.type(id)),
      hole: (kind, value, hint) => this.#number(instr, kind, value, hint),
      outputSize: (axis) => this.#size(instr.outputs[0] as ValueId, axis),
      dim: (d) => this.dim(d),
      device: () => this.#device(),
      attention: () => call(this.#attributes.attention(instr), inputs.map((o) => o.expr)),
    };
  }

  /** A factor of a product is called so; it is what the node scales by. */
  #number(instr: OpInstr, kind: HoleKind, value: number, hint: string): Expr {
    const readers = this.#c.fn.body.filter((i) => i.kind === 'op' && i.inputs.includes(instr.outputs[0] as ValueId));
    const scales = instr.op === 'constant' && kind === 'number' && readers.length > 0 && readers.every((i) => i.kind === 'op' && i.op === 'mul');
    return this.#c.holes.add(scales ? { kind: 'factor', value, hint: 'scale' } : { kind, value, hint });
  }

  /** The length of a value's axis: read off an input that has the same size, else a number. */
  #size(id: ValueId, axis: number): Expr {
    const dim = must(this.type(id).shape[axis], `axis ${axis}`);
    if (!isStatic(dim)) return this.dim(dim);
    if (dim === 1) return integer(1);
    const size = this.#c.sizes.of(id, axis);
    for (const [input, expr] of this.#inputs) {
      const rank = this.type(input).shape.length;
      for (let i = 0; i < rank; i++) {
        if (size !== undefined && this.#c.sizes.of(input, i) === size) return index(attribute(expr, own('shape')), integer(i === rank - 1 ? -1 : i));
      }
    }
    return this.#c.holes.add({ kind: 'size', value: dim, hint: 'size', ...(size === undefined ? {} : { size }) });
  }

  /** The run-time value of a dimension. */
  dim(d: Dim): Expr {
    const inputs = this.#inputs.map(([id, expr]) => ({ shape: this.type(id).shape, expr }));
    return dimExpression(d, inputs, (value) => this.#c.holes.add({ kind: 'integer', value, hint: 'length' }));
  }

  #device(): Expr {
    const [input] = this.#inputs;
    const weight = [...this.#attributes.tensors.values()][0];
    const holder = input?.[1] ?? (weight === undefined ? undefined : this.#attributes.weight(weight));
    return attribute(must(holder, 'a function reads some tensor'), own('device'));
  }

  #call(instr: CallInstr): void {
    const { fn } = this.#c.partOf(instr.fn);
    const data = instr.inputs.filter((_, i) => fn.params[i]?.role === 'input');
    const { exprs, cost } = this.#operands(data);
    const module = this.#attributes.called(instr);
    const value = instr.region.kind === 'checkpoint' ? checkpointed(module, exprs) : call(module, exprs);
    const [only, ...more] = instr.outputs;
    if (only !== undefined && more.length === 0) {
      this.#hold(only, { expr: value, cost, isNumber: false });
      return;
    }
    this.#assign(instr.outputs.map((id) => name(this.#target(id))), value);
  }

  /** A name for one of several outputs; `_` for one that nothing reads. */
  #target(id: ValueId): Ident {
    if ((this.#uses.get(id) ?? 0) === 0) return own('_');
    const made = this.#newName(id);
    this.#held.set(id, { expr: name(made), cost: 0, isNumber: false });
    return made;
  }

  #repeat(instr: RepeatInstr): void {
    const { self, list } = this.#attributes.stack(instr);
    const carries = instr.carry.map((id, i) => this.#carry(id, instr.outputs[i] as ValueId));
    const data = instr.broadcast.map((id) => this.named(id));
    const collected = instr.outputs.slice(instr.carry.length);
    const lists = collected.map((id) => this.names.mint(`${hintOf(id, { fn: this.#c.fn, attributes: this.#attributes, made: () => undefined })}_list`));
    for (const l of lists) this.statements.push({ kind: 'assign', targets: [name(l)], annotation: index(dotted('list'), TENSOR), value: { kind: 'list', items: [] } });
    const items = collected.map((id) => name(this.#newName(id)));
    const layer = list.shared ? self : name(this.names.mint('layer'));
    const args = [...carries, ...data];
    const value = instr.region.kind === 'checkpoint' ? checkpointed(layer, args) : call(layer, args);
    const targets = [...carries, ...items];
    const body: Statement[] = [
      { kind: 'assign', targets: [targets.length === 1 ? (targets[0] as Expr) : tuple(targets)], value },
      ...lists.map((l, i): Statement => ({ kind: 'expression', value: method(name(l), 'append', [items[i] as Expr]) })),
    ];
    const from = instr.first - list.first;
    const whole = instr.bodies.length === list.layers.length;
    const over = list.shared ? call(dotted('range'), [integer(instr.bodies.length)]) : whole ? self : index(self, slice(from === 0 ? undefined : integer(from), integer(from + instr.bodies.length)));
    this.statements.push({ kind: 'for', target: list.shared ? name(own('_')) : layer, over, body });
    collected.forEach((id, i) => this.#hold(id, { expr: invoke('torch.stack', [name(lists[i] as Ident)]), cost: 1, isNumber: false }));
  }

  /** The variable that goes through the layers: that of the value before them where nothing reads it afterwards. */
  #carry(before: ValueId, after: ValueId): Expr {
    const held = this.#get(before);
    const reusable = held.expr.kind === 'name' && this.#uses.get(before) === 1;
    const variable = reusable ? held.expr : name(this.#newName(after));
    if (!reusable) this.#assign([variable], held.expr);
    this.#held.set(after, { expr: variable, cost: 0, isNumber: false });
    return variable;
  }
}

const checkpointed = (module: Expr, args: readonly Expr[]): Expr => invoke('checkpoint', [module, ...args], { use_reentrant: dotted('False') });

/** Values that are Python numbers: constants, lengths, and what is computed from them alone. */
function isNumeric(instr: OpInstr, operands: readonly Operand[]): boolean {
  if (instr.op === 'dimension') return true;
  if (instr.op === 'constant') return (instr.attrs as OpAttrs['constant']).shape.length === 0;
  const arithmetic = ['cast', 'add', 'sub', 'mul', 'div', 'neg'].includes(instr.op);
  return arithmetic && operands.length > 0 && operands.every((o) => o.isNumber);
}
