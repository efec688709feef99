/**
 * Stacks as `nn.ModuleList`: the parts of a split stack are one list, a layer that is applied again and again is one module,
 * and what differs between layers is given as a tuple that a comprehension runs over.
 */
import { must } from '../../base/errors.ts';
import type { Fn, RepeatInstr, ValueId } from '../../ir/program.ts';
import { argumentHole, type AttributeContext } from './context.ts';
import { isInteger, type HoleKind } from './holes.ts';
import { endsOf, partsOfPath, type Wish } from './naming.ts';
import type { Part } from './parts.ts';
import { own, type Ident } from './python/identifiers.ts';
import {
  attribute,
  call,
  dotted,
  float,
  integer,
  invoke,
  SELF,
  tuple,
  type Expr,
  type Statement,
} from './python/syntax.ts';

export interface StackLayer {
  readonly fn: string;
  readonly inputs: readonly ValueId[];
}

export interface StackList {
  readonly key: string;
  readonly order: number;
  readonly wish: Wish;
  /** Absolute number of the first layer. */
  readonly first: number;
  readonly layers: readonly StackLayer[];
  /** All layers are one and the same: the same function with the same weights. */
  readonly shared: boolean;
}

/** The list that a repeat belongs to. */
export const stackKey = (fn: Fn, instr: RepeatInstr): string => {
  const key = `stack:${instr.site}`;
  const numbers = repeatsOf(fn, instr.site).flatMap((r) => r.bodies.map((_, i) => r.first + i));
  // Repeats of one name that overlap are no parts of one split stack.
  return new Set(numbers).size === numbers.length && isSequence(numbers) ? key : `${key}:${fn.body.indexOf(instr)}`;
};

const repeatsOf = (fn: Fn, site: string): RepeatInstr[] =>
  fn.body.filter((i): i is RepeatInstr => i.kind === 'repeat' && i.site === site);

function isSequence(numbers: readonly number[]): boolean {
  return numbers.every((n, i) => i === 0 || n === (numbers[i - 1] as number) + 1);
}

export function stacksOf(fn: Fn): readonly StackList[] {
  const groups = new Map<string, { order: number; repeats: RepeatInstr[] }>();
  fn.body.forEach((instr, order) => {
    if (instr.kind !== 'repeat') return;
    const key = stackKey(fn, instr);
    const known = groups.get(key);
    if (known) known.repeats.push(instr);
    else groups.set(key, { order, repeats: [instr] });
  });
  return [...groups].map(([key, { order, repeats }]) => {
    const layers = repeats.flatMap((r) =>
      r.bodies.map((b, i): StackLayer => ({
        fn: b,
        inputs: [...r.carry, ...r.broadcast, ...(r.layerInputs[i] ?? [])],
      })),
    );
    const own = repeats.flatMap((r) => r.bodies.map((b, i) => JSON.stringify([b, r.layerInputs[i]])));
    const site = must(repeats[0], 'a repeat').site;
    return {
      key,
      order,
      wish: { key, names: endsOf(partsOfPath(site), 1, 'layers') },
      first: must(repeats[0], 'a repeat').first,
      layers,
      shared: layers.length > 1 && new Set(own).size === 1,
    };
  });
}

export function constructStack(list: StackList, name: Ident, c: AttributeContext): Statement {
  const target = attribute(SELF, name);
  const parts = list.layers.map((l) => ({ part: c.partOf(l.fn), inputs: l.inputs }));
  if (list.shared) return { kind: 'assign', targets: [target], value: constructRun(parts.slice(0, 1), name, c) };
  const runs: (typeof parts)[] = [];
  for (const p of parts) {
    const last = runs.at(-1);
    if (last && sameClass(must(last[0], 'a run').part, p.part)) last.push(p);
    else runs.push([p]);
  }
  const [only, ...more] = runs;
  const items = runs.map((run): Expr =>
    run.length === 1 ? constructRun(run, name, c) : { kind: 'star', x: constructRun(run, name, c) },
  );
  const single = more.length === 0 && only !== undefined && only.length > 1;
  const value = single ? constructRun(only, name, c) : ({ kind: 'list', items } as const);
  return { kind: 'assign', targets: [target], value: invoke('nn.ModuleList', [value]) };
}

const sameClass = (a: Part, b: Part): boolean => JSON.stringify(a.className) === JSON.stringify(b.className);

type Run = readonly { readonly part: Part; readonly inputs: readonly ValueId[] }[];

const number = (kind: HoleKind, value: number): Expr => (isInteger(kind) ? integer(value) : float(value));

/** One layer, or a comprehension over several layers of one class. */
function constructRun(run: Run, name: Ident, c: AttributeContext): Expr {
  const { part, inputs } = must(run[0], 'a run has a layer');
  const varies = (arg: Part['args'][number]): boolean => run.some((r) => valueOf(r.part, arg.name) !== arg.value);
  const varying = part.args.filter(varies);
  const keywords = part.args.map((arg): readonly [Ident, Expr] => [
    arg.name,
    varies(arg) ? { kind: 'name', id: arg.name } : argumentHole(c, part, arg, inputs, name),
  ]);
  const item = call(part.className, [], keywords);
  if (run.length === 1) return item;
  const rows = run.map((r) => varying.map((arg) => number(arg.kind, valueOf(r.part, arg.name))));
  if (varying.length === 0)
    return { kind: 'generator', item, targets: [own('_')], over: call(dotted('range'), [integer(run.length)]) };
  const over = tuple(rows.map((row) => (row.length === 1 ? (row[0] as Expr) : tuple(row))));
  return { kind: 'generator', item, targets: varying.map((arg) => arg.name), over };
}

const valueOf = (part: Part, name: Ident): number =>
  must(
    part.args.find((a) => a.name === name),
    `${name} of ${part.fn.name}`,
  ).value;
