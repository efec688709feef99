/**
 * Which values of a flat program depend on frozen weights and one example only, and along which axis the examples lie. The
 * ops' `axes` rules prove it; noise, trainables, sizes of the batch and its arrangement (positions in the batch) break it.
 *
 * By the contract of nodes no value at a real token depends on the padding, so the padded length counts as no dependence;
 * its number (`dimension`) does.
 */
import { must } from '../base/errors.ts';
import { isStatic, symbolsOf, type Dim } from '../ir/dim.ts';
import type { Fn, OpInstr, ValueId } from '../ir/program.ts';
import type { ValueType } from '../ir/types.ts';
import { ruleOf } from '../ops/table.ts';
import { isOp } from './flat.ts';

/** What one slice along the axis belongs to: a whole example, or one token (row) of an example. */
export type Unit = 'example' | 'row';

/** Data of the examples along an axis; or positions within the batch that pick, for each unit, rows of its own example. */
export type InputKind =
  | { readonly kind: 'data'; readonly unit: Unit; readonly axis: number }
  | { readonly kind: 'index'; readonly unit: Unit };

/** `shared`: frozen weights and constants only. `mixed`: anything else, or several examples at once. */
export type ValueKind = InputKind | { readonly kind: 'shared' } | { readonly kind: 'mixed' };

const SHARED: ValueKind = { kind: 'shared' };
const MIXED: ValueKind = { kind: 'mixed' };
const along = (unit: Unit, axis = 0): ValueKind => ({ kind: 'data', unit, axis });

/** The kind of every value. Inputs that `inputs` does not name are mixed; so are trainables and states. */
export function classifyValues(fn: Fn, inputs: ReadonlyMap<string, InputKind>): ReadonlyMap<ValueId, ValueKind> {
  const kinds = new Map<ValueId, ValueKind>();
  const type = (id: ValueId): ValueType => must(fn.values.get(id), `%${id}`).type;
  const batch = new Set<string>();
  for (const p of fn.params) {
    const kind = p.role === 'weight' ? SHARED : p.role === 'input' ? (inputs.get(p.name) ?? MIXED) : MIXED;
    kinds.set(p.id, kind);
    const axis = kind.kind === 'data' ? type(p.id).shape[kind.axis] : kind.kind === 'index' ? type(p.id).shape[0] : 1;
    for (const s of symbolsOf(axis ?? 1)) batch.add(s);
  }
  for (const instr of fn.body) {
    const made =
      instr.kind === 'op'
        ? kindsOf(
            instr,
            instr.inputs.map((id) => kinds.get(id) ?? MIXED),
            type,
            batch,
          )
        : [];
    instr.outputs.forEach((id, i) => kinds.set(id, made[i] ?? MIXED));
  }
  return kinds;
}

function kindsOf(
  instr: OpInstr,
  inputs: readonly ValueKind[],
  type: (id: ValueId) => ValueType,
  batch: ReadonlySet<string>,
): readonly ValueKind[] {
  if (inputs.some((k) => k.kind === 'mixed') || instr.op === 'noise') return [];
  const special = specialKind(instr, inputs, batch);
  if (special) return [special];
  const links = ruleOf(instr.op).axes(instr.attrs, instr.inputs.map(type), instr.outputs.map(type));
  return links.map((axes) => linkedKind(inputs, axes));
}

/** Ops whose `axes` rule does not tell enough: those that read sizes of the batch, and those that read positions in it. */
function specialKind(
  instr: OpInstr,
  [x = MIXED, index = MIXED]: readonly ValueKind[],
  batch: ReadonlySet<string>,
): ValueKind | undefined {
  if (isOp(instr, 'dimension')) return isStatic(instr.attrs.of) ? SHARED : MIXED;
  if (isOp(instr, 'iota')) return countsBatch(instr.attrs.size, batch) ? MIXED : SHARED;
  if (isOp(instr, 'pack')) return index.kind === 'index' && startsUnit(x, 'example') ? along(index.unit) : MIXED;
  if (isOp(instr, 'unpack')) return index.kind === 'index' && startsUnit(x, index.unit) ? along('example') : MIXED;
  // Rows of the own example; a lookup in a shared table by data of the example follows the general rule.
  if (!isOp(instr, 'gather') || index.kind !== 'index') return undefined;
  return startsUnit(x, 'row') || startsUnit(x, 'example') ? along(index.unit) : MIXED;
}

/** Whether a value runs along the unit on its first axis; what all examples share does everywhere. */
const startsUnit = (k: ValueKind, unit: Unit): boolean =>
  k.kind === 'shared' || (k.kind === 'data' && k.unit === unit && k.axis === 0);

const countsBatch = (size: Dim, batch: ReadonlySet<string>): boolean => [...symbolsOf(size)].some((s) => batch.has(s));

/** The output axis that runs independently along the examples of every input. */
function linkedKind(inputs: readonly ValueKind[], axes: readonly (readonly (number | null)[])[]): ValueKind {
  const data = inputs.flatMap((k, i) => (k.kind === 'data' ? [{ ...k, input: i }] : []));
  const unit = data[0]?.unit;
  if (inputs.some((k) => k.kind === 'index')) return MIXED;
  if (unit === undefined) return SHARED;
  const axis = axes.findIndex((perInput) => data.every((k) => perInput[k.input] === k.axis));
  return axis < 0 || data.some((k) => k.unit !== unit) ? MIXED : along(unit, axis);
}

/** Inputs whose first axis is `batch` or `rows` are data along it; the names in `indices` are positions in the batch. */
export function inputKinds(
  fn: Fn,
  axes: { readonly batch?: Dim; readonly rows?: Dim; readonly indices?: readonly string[] },
): ReadonlyMap<string, InputKind> {
  const kinds = new Map<string, InputKind>();
  for (const p of fn.params) {
    const leading = fn.values.get(p.id)?.type.shape[0];
    if (p.role !== 'input' || leading === undefined) continue;
    const unit: Unit | undefined = leading === axes.batch ? 'example' : leading === axes.rows ? 'row' : undefined;
    if (unit === undefined) continue;
    kinds.set(p.name, axes.indices?.includes(p.name) ? { kind: 'index', unit } : { kind: 'data', unit, axis: 0 });
  }
  return kinds;
}

export const isPerExample = (kind: ValueKind | undefined): kind is InputKind & { kind: 'data' } =>
  kind?.kind === 'data';
