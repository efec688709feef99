/**
 * The values of a function while its code is written: as expressions that wait for their only reader, or as variables. It
 * decides what becomes a statement of its own, and which variable may take a new value; it knows nothing of ops.
 */
import { BugError } from '../../base/errors.ts';
import type { ValueId } from '../../ir/program.ts';
import { Namer, type Ident } from './python/identifiers.ts';
import { invoke, name, tuple, walk, widthOf, type Expr, type Statement } from './python/syntax.ts';

/** How long an expression is to read: calls and operators in it, and how deep calls stand in calls. */
export interface Cost {
  readonly count: number;
  readonly depth: number;
}
export const FREE: Cost = { count: 0, depth: 0 };

/** An expression that no statement has computed yet, or the name of one that has. */
export interface Held {
  readonly expr: Expr;
  readonly cost: Cost;
  /** A Python number, not a tensor. */
  readonly isNumber: boolean;
}

/** What one statement may hold, and how many columns it may take. */
const MOST: Cost = { count: 6, depth: 4 };
const WIDEST = 66;
/** Columns of a short method's name and its brackets. */
const EXTRA = 8;

/** A call makes an expression deeper; an operator does where calls stand in calls. */
const deeper = (depth: number, isCall: boolean): number => depth + (isCall || depth > 1 ? 1 : 0);

export interface ValuesContext {
  /** How often the code will read a value in all. */
  uses(id: ValueId): number;
  /** What a value would be called. */
  hint(id: ValueId): string;
  /** Whether a value must be a statement, however short it is. */
  isStep(id: ValueId, cost: Cost): boolean;
  /** Whether a value may take the name of another one that nothing reads any more. */
  mayReplace(old: ValueId, next: ValueId): boolean;
  /** The expression of a weight. */
  weight(id: ValueId): Expr | undefined;
}

export class Values {
  readonly #c: ValuesContext;
  readonly #held = new Map<ValueId, Held>();
  /** How often the code has read a value so far. */
  readonly #reads = new Map<ValueId, number>();
  /** The value that a local variable holds now. */
  readonly #variables = new Map<Ident, ValueId>();
  readonly names = new Namer('local');
  readonly statements: Statement[] = [];

  constructor(context: ValuesContext) {
    this.#c = context;
  }

  /** Binds a value to an expression that costs nothing to repeat. */
  bind(id: ValueId, expr: Expr): void {
    this.#held.set(id, { expr, cost: FREE, isNumber: false });
    if (expr.kind === 'name') this.#variables.set(expr.id, id);
  }

  get(id: ValueId): Held {
    const held = this.#held.get(id);
    if (held) return held;
    const weight = this.#c.weight(id);
    if (!weight) throw new BugError(`%${id} is read before it is made`);
    return { expr: weight, cost: FREE, isNumber: false };
  }

  /** The expression of a value, for one reader. */
  take(id: ValueId): Expr {
    const { expr, cost } = this.get(id);
    this.#reads.set(id, (this.#reads.get(id) ?? 0) + 1);
    // What had no name had one reader, and is part of it now.
    if (cost.count > 0) this.#held.delete(id);
    return expr;
  }

  /** The same, as a tensor also where it is a number. */
  takeTensor(id: ValueId): Expr {
    const { isNumber } = this.get(id);
    const expr = this.take(id);
    return isNumber ? invoke('torch.tensor', [expr]) : expr;
  }

  /** The expressions of several values for one reader; the longest are stored first where it would become too long. */
  takeAll(ids: readonly ValueId[], isCall = true): { readonly exprs: readonly Expr[]; readonly cost: Cost } {
    const total = (): Cost => {
      const depth = ids.reduce((d, id) => Math.max(d, this.get(id).cost.depth), 0);
      return { count: ids.reduce((sum, id) => sum + this.get(id).cost.count, 1), depth: deeper(depth, isCall) };
    };
    const weight = (id: ValueId): number => (this.get(id).cost.count > 0 ? widthOf(this.get(id).expr) : 0);
    // A sum of calls is written with one line for each.
    const width = (): number =>
      isCall || total().depth > 1 ? ids.reduce((w, id) => w + widthOf(this.get(id).expr) + 2, EXTRA) : 0;
    for (let cost = total(); cost.count > MOST.count || cost.depth > MOST.depth || width() > WIDEST; cost = total()) {
      const longest = ids.reduce((a, b) => (weight(b) > weight(a) ? b : a));
      if (weight(longest) === 0) break;
      this.store(longest);
    }
    const cost = total();
    return { exprs: ids.map((id) => this.take(id)), cost };
  }

  /** Keeps expressions for their only readers, or stores them where they have several or are steps. */
  hold(made: readonly (readonly [ValueId, Held])[]): void {
    const read = made.filter(([id]) => this.#c.uses(id) > 0);
    // All are held before one is stored, so that a name that another one reads is not taken.
    for (const [id, held] of read) this.#held.set(id, held);
    for (const [id, { cost }] of read) {
      if (cost.count > 0 && (this.#c.uses(id) > 1 || this.#c.isStep(id, cost))) this.store(id);
    }
  }

  /** Turns an expression into a statement that gives it a name. */
  store(id: ValueId): void {
    const { expr, isNumber } = this.get(id);
    const target = name(this.#nameFor(id));
    this.assign([target], expr);
    this.#held.set(id, { expr: target, cost: FREE, isNumber });
  }

  /** Gives a value a name that a statement of the caller's assigns. */
  declare(id: ValueId): Ident {
    const made = this.#nameFor(id);
    this.#held.set(id, { expr: name(made), cost: FREE, isNumber: false });
    return made;
  }

  /** The variable that goes through a loop: that of the value before it where nothing reads it afterwards. */
  carry(before: ValueId, after: ValueId): Expr {
    const { expr } = this.get(before);
    const variable = expr.kind === 'name' && this.#variables.get(expr.id) === before ? expr.id : undefined;
    const read = this.takeTensor(before);
    const isFree = variable !== undefined && this.#isOver(before, variable, after);
    const carried = isFree ? variable : this.#nameFor(after);
    if (!isFree) this.assign([name(carried)], read);
    this.#variables.set(carried, after);
    this.#held.set(after, { expr: name(carried), cost: FREE, isNumber: false });
    return name(carried);
  }

  assign(targets: readonly Expr[], value: Expr): void {
    const [only, ...more] = targets;
    this.statements.push({ kind: 'assign', targets: [only && more.length === 0 ? only : tuple(targets)], value });
  }

  /** The name for a value: that of a variable that nothing will read any more, where it is the right one. */
  #nameFor(id: ValueId): Ident {
    const hint = this.#c.hint(id);
    const known = this.names.minted(hint);
    const old = known && this.#variables.get(known);
    const made =
      known !== undefined && old !== undefined && this.#isOver(old, known, id) ? known : this.names.mint(hint);
    this.#variables.set(made, id);
    return made;
  }

  /** Whether neither code to come nor an expression that waits reads a variable. */
  #isOver(old: ValueId, variable: Ident, next: ValueId): boolean {
    if ((this.#reads.get(old) ?? 0) < this.#c.uses(old) || !this.#c.mayReplace(old, next)) return false;
    return [...this.#held].every(
      ([id, { expr, cost }]) => id === next || cost.count === 0 || !mentions(expr, variable),
    );
  }
}

const mentions = (e: Expr, id: Ident): boolean => {
  let found = false;
  walk(e, (x) => void (found ||= x.kind === 'name' && x.id === id));
  return found;
};
