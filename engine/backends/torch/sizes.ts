/**
 * Which static sizes of a function must be equal because of its ops, and not by accident: the width of a stream is one
 * size wherever the stream goes, while a rank that happens to be the same number is another. Sizes become constructor
 * arguments, so this is what keeps `width` and `rank` apart.
 */
import { must } from '../../base/errors.ts';
import { isStatic } from '../../ir/dim.ts';
import type { CallInstr, Fn, OpInstr, RepeatInstr, ValueId } from '../../ir/program.ts';
import type { ValueType } from '../../ir/types.ts';
import { ruleOf } from '../../ops/table.ts';

/** A number that stands for one size of the function. */
export type SizeId = number;

export interface Sizes {
  /** The size of an axis; undefined where the axis has no fixed length. */
  of(value: ValueId, axis: number): SizeId | undefined;
}

class Classes {
  readonly #parent: number[] = [];
  readonly #ids = new Map<string, number>();

  node(value: ValueId, axis: number): number {
    const key = `${value}:${axis}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const made = this.#parent.push(this.#parent.length) - 1;
    this.#ids.set(key, made);
    return made;
  }

  find(i: number): number {
    let root = i;
    while (this.#parent[root] !== root) root = this.#parent[root] as number;
    this.#parent[i] = root;
    return root;
  }

  /** The older of the two stays the root, so that roots follow the order of definition. */
  join(a: number, b: number): void {
    const [x, y] = [this.find(a), this.find(b)];
    this.#parent[Math.max(x, y)] = Math.min(x, y);
  }
}

interface Callee {
  readonly fn: Fn;
  readonly sizes: Sizes;
}

/** Computes the sizes of a function whose callees are done. */
export function sizesOf(fn: Fn, callee: (name: string) => Callee): Sizes {
  const classes = new Classes();
  const type = (id: ValueId): ValueType => must(fn.values.get(id), `%${id} of ${fn.name}`).type;
  const isFixed = (id: ValueId, axis: number): boolean => {
    const dim = type(id).shape[axis];
    return dim !== undefined && isStatic(dim);
  };
  const join = (a: ValueId, i: number, b: ValueId, j: number): void => {
    if (isFixed(a, i) && isFixed(b, j) && type(a).shape[i] === type(b).shape[j])
      classes.join(classes.node(a, i), classes.node(b, j));
  };
  const joinAll = (a: ValueId, b: ValueId): void => type(a).shape.forEach((_, i) => join(a, i, b, i));
  for (const p of fn.params) type(p.id).shape.forEach((_, i) => classes.node(p.id, i));
  for (const instr of fn.body) {
    if (instr.kind === 'op') joinOp(instr, type, join);
    else if (instr.kind === 'call') joinCall(instr, callee(instr.fn), join);
    else joinRepeat(instr, callee, join, joinAll);
  }
  return { of: (value, axis) => (isFixed(value, axis) ? classes.find(classes.node(value, axis)) : undefined) };
}

type Join = (a: ValueId, i: number, b: ValueId, j: number) => void;

function joinOp(instr: OpInstr, type: (id: ValueId) => ValueType, join: Join): void {
  if (instr.op === 'noise') return;
  const inputs = instr.inputs.map(type);
  const outputs = instr.outputs.map(type);
  const links = ruleOf(instr.op).axes(instr.attrs, inputs, outputs);
  links.forEach((axes, o) =>
    axes.forEach((row, axis) =>
      row.forEach((from, i) => {
        if (from !== null) join(instr.outputs[o] as ValueId, axis, instr.inputs[i] as ValueId, from);
      }),
    ),
  );
  // Axes that are used whole have no link, but are of one size all the same.
  const [a, b, c] = instr.inputs as readonly [ValueId, ValueId, ValueId];
  const out = instr.outputs[0] as ValueId;
  const last = (id: ValueId): number => type(id).shape.length - 1;
  if (instr.op === 'matmul') {
    const { transposeA, transposeB } = instr.attrs as { transposeA: boolean; transposeB: boolean };
    join(a, transposeA ? last(a) - 1 : last(a), b, transposeB ? last(b) : last(b) - 1);
  }
  if (instr.op === 'layerNorm' || instr.op === 'softmax') join(a, last(a), out, last(out));
  // Queries, keys and values of another width than the stream are rare; one name for all reads better.
  if (instr.op === 'attention') for (const other of [b, c, out]) join(a, last(a), other, last(other));
}

function joinCall(instr: CallInstr, callee: Callee, join: Join): void {
  const positions = new Map<SizeId, [ValueId, number]>();
  const note = (inner: ValueId, outer: ValueId): void => {
    const shape = must(callee.fn.values.get(inner), 'value of the callee').type.shape;
    shape.forEach((_, axis) => {
      const size = callee.sizes.of(inner, axis);
      if (size === undefined) return;
      const known = positions.get(size);
      if (known) join(known[0], known[1], outer, axis);
      else positions.set(size, [outer, axis]);
    });
  };
  callee.fn.params.forEach((p, i) => note(p.id, instr.inputs[i] as ValueId));
  callee.fn.results.forEach((r, i) => note(r.id, instr.outputs[i] as ValueId));
}

function joinRepeat(
  instr: RepeatInstr,
  callee: (name: string) => Callee,
  join: Join,
  joinAll: (a: ValueId, b: ValueId) => void,
): void {
  instr.carry.forEach((id, i) => joinAll(id, instr.outputs[i] as ValueId));
  instr.bodies.forEach((name, layer) => {
    const own = instr.layerInputs[layer] ?? [];
    const inputs = [...instr.carry, ...instr.broadcast, ...own];
    joinCall(
      {
        kind: 'call',
        fn: name,
        site: '',
        region: { kind: 'plain' },
        inputs,
        outputs: instr.outputs.slice(0, instr.carry.length),
      },
      withCarriedResults(callee(name), instr.carry.length),
      join,
    );
  });
}

/** Collected results have one more axis outside of the stack than inside; only carried ones are compared. */
const withCarriedResults = (callee: Callee, carried: number): Callee => ({
  ...callee,
  fn: { ...callee.fn, results: callee.fn.results.slice(0, carried) },
});
