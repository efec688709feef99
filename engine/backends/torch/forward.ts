/**
 * Writes the forward code of one function: every op becomes an expression, an expression that is read once moves into its
 * reader while it stays short, and what remains gets a name that says what it is.
 */
import { BugError, must } from '../../base/errors.ts';
import { isStatic, type Dim } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { CallInstr, Instr, OpInstr, RepeatInstr, ValueId } from '../../ir/program.ts';
import { sameType, type ValueType } from '../../ir/types.ts';
import { dataOf as dataOf_, type Attributes } from './attributes.ts';
import type { AttributeContext } from './context.ts';
import { dimExpression, type SizedInput } from './dims.ts';
import type { HoleKind } from './holes.ts';
import { hintOf } from './hints.ts';
import { OP_EXPRESSIONS, type OpContext, type OpExpression, type Operand } from './ops.ts';
import { planCode, type Plan } from './plan.ts';
import type { Matcher } from './patterns.ts';
import type { StackList } from './stacks.ts';
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
  walk,
  widthOf,
  type Expr,
  type Statement,
} from './python/syntax.ts';

/** How long an expression is to read: calls and operators in it, and how deep calls stand in calls. */
interface Cost {
  readonly count: number;
  readonly depth: number;
}

/** An expression that no statement has computed yet, or the name of one that has. */
interface Held {
  readonly expr: Expr;
  readonly cost: Cost;
  readonly isNumber: boolean;
}

/** What one statement may hold, and how many columns it may take. */
const MOST: Cost = { count: 6, depth: 4 };
const WIDEST = 66;
/** Columns of a short method's name and its brackets. */
const EXTRA = 8;
const FREE: Cost = { count: 0, depth: 0 };

export class ForwardWriter {
  readonly #c: AttributeContext;
  readonly #attributes: Attributes;
  readonly #held = new Map<ValueId, Held>();
  readonly #made = new Map<ValueId, OpInstr>();
  readonly #plan: Plan;
  readonly #inputs: (readonly [ValueId, Expr])[] = [];
  /** Queries, keys and values: steps of their own where they are more than one call. */
  readonly #attended: ReadonlySet<ValueId>;
  /** How often the code has read a value so far. */
  readonly #reads = new Map<ValueId, number>();
  /** The value that a local variable holds now. */
  readonly #variables = new Map<Ident, ValueId>();
  readonly names = new Namer('local');
  readonly statements: Statement[] = [];

  /** `results` are the values that the end of the code reads, each as often as it does. */
  constructor(c: AttributeContext, attributes: Attributes, results: readonly ValueId[]) {
    this.#c = c;
    this.#attributes = attributes;
    for (const instr of c.fn.body) if (instr.kind === 'op') for (const id of instr.outputs) this.#made.set(id, instr);
    this.#attended = new Set(
      c.fn.body.flatMap((i) => (i.kind === 'op' && i.op === 'attention' ? i.inputs.slice(0, 3) : [])),
    );
    const dataOf = (instr: Instr): readonly ValueId[] => dataOf_(instr, c.partOf);
    this.#plan = planCode({ fn: c.fn, results, dataOf, matcher: (instr) => this.#matcher(instr) });
  }

  /** Binds an input of the function to what the code calls it. */
  bind(id: ValueId, expr: Expr): void {
    this.#held.set(id, { expr, cost: FREE, isNumber: false });
    this.#inputs.push([id, expr]);
    if (expr.kind === 'name') this.#variables.set(expr.id, id);
  }

  write(body: readonly Instr[]): void {
    for (const instr of body) {
      if (instr.kind === 'op') this.#op(instr);
      else if (instr.kind === 'call') this.#call(instr);
      else this.#repeat(instr);
    }
  }

  /** The expression of a value, where it is read as a tensor. */
  read(id: ValueId): Expr {
    const { isNumber } = this.#get(id);
    const expr = this.#take(id);
    return isNumber ? invoke('torch.tensor', [expr]) : expr;
  }

  #usesOf(id: ValueId): number {
    return this.#plan.uses.get(id) ?? 0;
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

  #get(id: ValueId): Held {
    const held = this.#held.get(id);
    if (held) return held;
    const weight = this.#attributes.weight(id);
    if (!weight) throw new BugError(`%${id} of ${this.#c.fn.name} is read before it is made`);
    return { expr: weight, cost: FREE, isNumber: false };
  }

  #take(id: ValueId): Expr {
    const { expr, cost } = this.#get(id);
    this.#reads.set(id, (this.#reads.get(id) ?? 0) + 1);
    // What had no name had one reader, and is part of it now.
    if (cost.count > 0) this.#held.delete(id);
    return expr;
  }

  #assign(targets: readonly Expr[], value: Expr): void {
    this.statements.push({
      kind: 'assign',
      targets: [targets.length === 1 ? (targets[0] as Expr) : tuple(targets)],
      value,
    });
  }

  /** The name for a value: that of a variable that nothing will read any more, where it is the right one. */
  #nameFor(id: ValueId): Ident {
    const hint = this.#hint(id);
    const known = this.names.minted(hint);
    const held = known && this.#variables.get(known);
    const isFree = known !== undefined && held !== undefined && this.#isOver(held, known, id);
    const made = isFree ? known : this.names.mint(hint);
    this.#variables.set(made, id);
    return made;
  }

  #hint(id: ValueId): string {
    return hintOf(id, { fn: this.#c.fn, attributes: this.#attributes, made: (x) => this.#made.get(x) });
  }

  #isOver(value: ValueId, variable: Ident, next: ValueId): boolean {
    if ((this.#reads.get(value) ?? 0) < this.#usesOf(value)) return false;
    // Lengths are read off inputs by name, so what takes the name of an input has its shape.
    const isInput = this.#inputs.some(([id]) => id === value);
    if (isInput && !sameType(this.#type(value), this.#type(next))) return false;
    return [...this.#held].every(
      ([id, { expr, cost }]) => id === next || cost.count === 0 || !mentions(expr, variable),
    );
  }

  /** Turns an expression into a statement that gives it a name. */
  #store(id: ValueId): void {
    const { expr, isNumber } = this.#get(id);
    const target = name(this.#nameFor(id));
    this.#assign([target], expr);
    this.#held.set(id, { expr: target, cost: FREE, isNumber });
  }

  /** Keeps an expression for its only reader, or stores it when it has several, or a name of its own. */
  #hold(id: ValueId, held: Held): void {
    const uses = this.#usesOf(id);
    if (uses === 0) return;
    this.#held.set(id, held);
    const instr = this.#made.get(id);
    const isNamed = instr !== undefined && (instr.op === 'attention' || this.#c.fn.values.get(id)?.name !== undefined);
    const isStep = uses > 1 || isNamed || (held.cost.count > 1 && this.#attended.has(id));
    if (held.cost.count > 0 && isStep) this.#store(id);
  }

  /** The operands' expressions; the longest are stored first where their reader would become too long. */
  #operands(ids: readonly ValueId[], deepens = true): { readonly exprs: readonly Expr[]; readonly cost: Cost } {
    const total = (): Cost => ({
      count: ids.reduce((sum, id) => sum + this.#get(id).cost.count, 1),
      depth: deeper(
        ids.reduce((d, id) => Math.max(d, this.#get(id).cost.depth), 0),
        deepens,
      ),
    });
    const weight = (id: ValueId): number => (this.#get(id).cost.count > 0 ? widthOf(this.#get(id).expr) : 0);
    // A sum of calls is written with one line for each.
    const width = (): number =>
      deepens || total().depth > 1 ? ids.reduce((w, id) => w + widthOf(this.#get(id).expr) + 2, EXTRA) : 0;
    for (let cost = total(); cost.count > MOST.count || cost.depth > MOST.depth || width() > WIDEST; cost = total()) {
      const longest = ids.reduce((a, b) => (weight(b) > weight(a) ? b : a));
      if (weight(longest) === 0) break;
      this.#store(longest);
    }
    const cost = total();
    return { exprs: ids.map((id) => this.#take(id)), cost };
  }

  #op(instr: OpInstr): void {
    const id = instr.outputs[0] as ValueId;
    const isRead = instr.outputs.some((out) => this.#usesOf(out) > 0);
    if (!isRead || this.#plan.inside.has(instr) || (instr.op === 'noise' && this.#attentionReads(id))) return;
    const match = this.#plan.matches.get(instr);
    if (match) {
      const { exprs, cost } = this.#operands(match.operands);
      this.#hold(id, { expr: match.build(exprs), cost, isNumber: false });
      return;
    }
    const data = instr.op === 'attention' ? instr.inputs.slice(0, 4) : instr.inputs;
    const isNumber = data.map((x) => this.#get(x).isNumber);
    const { exprs, cost } = this.#operands(data, !OPERATORS.includes(instr.op));
    const operands = data.map((x, i): Operand => ({
      expr: exprs[i] as Expr,
      isNumber: isNumber[i] === true,
      type: this.#type(x),
    }));
    const expression = OP_EXPRESSIONS[instr.op] as OpExpression<typeof instr.op>;
    const made = expression(instr.attrs as never, this.#opContext(instr, operands));
    const values = Array.isArray(made) ? (made as readonly Expr[]) : [made as Expr];
    const numeric = isNumeric(instr, operands);
    const isTrivial = numeric || (values[0] === exprs[0] && cost.count === 1);
    instr.outputs.forEach((out, i) => {
      this.#hold(out, { expr: must(values[i], `output ${i}`), cost: isTrivial ? FREE : cost, isNumber: numeric });
    });
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
    const isNumber = data.map((id) => this.#get(id).isNumber);
    const { exprs: read, cost } = this.#operands(data);
    const exprs = read.map((e, i) => (isNumber[i] === true ? invoke('torch.tensor', [e]) : e));
    const module = this.#attributes.called(instr);
    const value = instr.region.kind === 'checkpoint' ? checkpointed(module, exprs) : call(module, exprs);
    const [only, ...more] = instr.outputs;
    if (only !== undefined && more.length === 0) {
      this.#hold(only, { expr: value, cost, isNumber: false });
      return;
    }
    this.#assign(
      instr.outputs.map((id) => name(this.#target(id))),
      value,
    );
  }

  /** A name for one of several outputs; `_` for one that nothing reads. */
  #target(id: ValueId): Ident {
    if (this.#usesOf(id) === 0) return own('_');
    const made = this.#nameFor(id);
    this.#held.set(id, { expr: name(made), cost: FREE, isNumber: false });
    return made;
  }

  #repeat(instr: RepeatInstr): void {
    const { self, list } = this.#attributes.stack(instr);
    const carries = instr.carry.map((id, i) => this.#carry(id, instr.outputs[i] as ValueId));
    const data = instr.broadcast.map((id) => {
      if (this.#get(id).cost.count > 0) this.#store(id);
      return this.read(id);
    });
    const collected = instr.outputs.slice(instr.carry.length);
    // Fresh names: a variable of before may still be read in the next round of the loop.
    const items = collected.map((id) => this.names.mint(this.#hint(id)));
    const lists = items.map((item) => this.names.mint(`${item}s`));
    for (const l of lists) this.statements.push({ kind: 'assign', targets: [name(l)], annotation: LIST, value: EMPTY });
    const layer = list.shared ? self : name(this.names.mint('layer'));
    const args = [...carries, ...data];
    const value = instr.region.kind === 'checkpoint' ? checkpointed(layer, args) : call(layer, args);
    const targets = [...carries, ...items.map((item) => name(item))];
    const body: Statement[] = [
      { kind: 'assign', targets: [targets.length === 1 ? (targets[0] as Expr) : tuple(targets)], value },
      ...lists.map((l, i): Statement => ({
        kind: 'expression',
        value: method(name(l), 'append', [name(items[i] as Ident)]),
      })),
    ];
    this.statements.push({
      kind: 'for',
      target: list.shared ? name(own('_')) : layer,
      over: layersOf(instr, self, list),
      body,
    });
    collected.forEach((id, i) => {
      this.#hold(id, {
        expr: invoke('torch.stack', [name(lists[i] as Ident)]),
        cost: { count: 1, depth: 1 },
        isNumber: false,
      });
    });
  }

  /** The variable that goes through the layers: that of the value before them where nothing reads it afterwards. */
  #carry(before: ValueId, after: ValueId): Expr {
    const isLast = (this.#reads.get(before) ?? 0) + 1 === this.#usesOf(before);
    const expr = this.read(before);
    const isVariable = expr.kind === 'name' && this.#variables.get(expr.id) === before;
    const variable = isVariable && isLast ? expr.id : this.#nameFor(after);
    if (!(isVariable && isLast)) this.#assign([name(variable)], expr);
    this.#variables.set(variable, after);
    this.#held.set(after, { expr: name(variable), cost: FREE, isNumber: false });
    return name(variable);
  }
}

const LIST: Expr = index(dotted('list'), TENSOR);
const EMPTY: Expr = { kind: 'list', items: [] };
/** A call makes an expression deeper; an operator does where calls stand in calls. */
const deeper = (depth: number, isCall: boolean): number => depth + (isCall || depth > 1 ? 1 : 0);
/** Ops that are written as operators. */
const OPERATORS: readonly string[] = ['add', 'sub', 'mul', 'div', 'neg', 'constant'];

const mentions = (e: Expr, id: Ident): boolean => {
  let found = false;
  walk(e, (x) => void (found ||= x.kind === 'name' && x.id === id));
  return found;
};

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
