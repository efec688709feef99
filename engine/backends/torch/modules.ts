/**
 * Weights of a function as PyTorch modules: a weight with the bias that is added after it is an `nn.Linear`, scale and shift
 * of a norm an `nn.LayerNorm`, a table an `nn.Embedding`, everything else an `nn.Parameter`. Where a module of ours trains
 * a copy of a frozen weight that is not read any more, the copy takes its place and name.
 */
import { must } from '../../base/errors.ts';
import type { Fn, FnParam, Instr, OpInstr, ValueId } from '../../ir/program.ts';
import type { ValueType } from '../../ir/types.ts';
import { isStatic } from '../../ir/dim.ts';
import type { Bindings } from './bindings.ts';
import type { TorchInit } from './source.ts';
import { partsOfPath, endsOf, type Wish } from './naming.ts';

export interface WeightModule {
  readonly key: string;
  readonly kind: 'linear' | 'layerNorm' | 'embedding' | 'parameter';
  /** The tensors of the module by their attribute in it; `''` for a bare parameter. */
  readonly tensors: ReadonlyMap<'weight' | 'bias' | '', FnParam>;
  readonly epsilon?: number;
  readonly wish: Wish;
}

/** The initial value of a trainable parameter of a function; undefined for frozen ones. */
export type InitOf = (param: FnParam) => TorchInit | undefined;

export function weightModules(fn: Fn, bindings: Bindings): readonly WeightModule[] {
  const weights = fn.params.filter((p) => p.role === 'weight' || p.role === 'trainable');
  const byId = new Map(weights.map((p) => [p.id, p]));
  const name = displayNames(fn, weights, bindings);
  const typeOf = (id: ValueId): ValueType => must(fn.values.get(id), `%${id}`).type;
  const users = usersOf(fn);
  const taken = new Set<ValueId>();
  const modules = new Map<ValueId, WeightModule>();
  const add = (
    kind: WeightModule['kind'],
    tensors: readonly (readonly ['weight' | 'bias' | '', FnParam])[],
    epsilon?: number,
  ): void => {
    const first = must(tensors[0], 'a module has a tensor')[1];
    const parts = partsOfPath(name(first));
    const names = kind === 'parameter' ? endsOf(parts, 2, 'weight') : endsOf(parts.slice(0, -1), 1, FALLBACK[kind]);
    const key = `weight:${first.id}`;
    for (const [, p] of tensors) taken.add(p.id);
    modules.set(first.id, {
      key,
      kind,
      tensors: new Map(tensors),
      wish: { key, names },
      ...(epsilon === undefined ? {} : { epsilon }),
    });
  };
  const isNamedWeight = (p: FnParam): boolean => partsOfPath(name(p)).at(-1) === 'weight';
  const free = (id: ValueId | undefined): FnParam | undefined =>
    id === undefined || taken.has(id) ? undefined : byId.get(id);
  for (const instr of fn.body) {
    if (instr.kind !== 'op') continue;
    const found = matchModule(instr, {
      free,
      isNamedWeight,
      typeOf,
      users,
      siblingBias: (w) => siblingBias(w, weights, name, typeOf, taken),
    });
    if (found) add(found.kind, found.tensors, found.epsilon);
  }
  for (const p of weights) if (!taken.has(p.id)) add('parameter', [['', p]]);
  return weights.flatMap((p) => modules.get(p.id) ?? []);
}

const FALLBACK = { linear: 'linear', layerNorm: 'norm', embedding: 'embedding' } as const;

interface Surroundings {
  free(id: ValueId | undefined): FnParam | undefined;
  isNamedWeight(p: FnParam): boolean;
  typeOf(id: ValueId): ValueType;
  users(id: ValueId): readonly Instr[];
  siblingBias(weight: FnParam): FnParam | undefined;
}

type Found = Pick<WeightModule, 'kind'> & {
  readonly tensors: readonly (readonly ['weight' | 'bias' | '', FnParam])[];
  readonly epsilon?: number;
};

function matchModule(instr: OpInstr, s: Surroundings): Found | undefined {
  if (instr.op === 'layerNorm') {
    const [gamma, beta] = [s.free(instr.inputs[1]), s.free(instr.inputs[2])];
    if (!gamma || !beta) return undefined;
    return {
      kind: 'layerNorm',
      tensors: [
        ['weight', gamma],
        ['bias', beta],
      ],
      epsilon: (instr.attrs as { epsilon: number }).epsilon,
    };
  }
  if (instr.op === 'gather') {
    const table = s.free(instr.inputs[0]);
    if (!table || !s.isNamedWeight(table) || s.typeOf(table.id).shape.length !== 2) return undefined;
    return { kind: 'embedding', tensors: [['weight', table]] };
  }
  if (instr.op !== 'matmul' || !(instr.attrs as { transposeB: boolean }).transposeB) return undefined;
  const weight = s.free(instr.inputs[1]);
  if (!weight || !s.isNamedWeight(weight) || s.typeOf(weight.id).shape.length !== 2) return undefined;
  const bias = addedBias(instr, weight, s) ?? s.siblingBias(weight);
  return {
    kind: 'linear',
    tensors: bias
      ? [
          ['weight', weight],
          ['bias', bias],
        ]
      : [['weight', weight]],
  };
}

/** The vector that is added to the product and to nothing else. */
function addedBias(matmul: OpInstr, weight: FnParam, s: Surroundings): FnParam | undefined {
  const out = matmul.outputs[0] as ValueId;
  const [only, ...others] = s.users(out);
  if (only?.kind !== 'op' || only.op !== 'add' || others.length > 0) return undefined;
  const bias = s.free(only.inputs.find((id) => id !== out));
  if (!bias) return undefined;
  const shape = s.typeOf(bias.id).shape;
  return shape.length === 1 && shape[0] === s.typeOf(weight.id).shape[0] ? bias : undefined;
}

/** `query/bias` beside `query/weight`, where the bias is added only later (DoRA). */
function siblingBias(
  weight: FnParam,
  weights: readonly FnParam[],
  name: (p: FnParam) => string,
  typeOf: (id: ValueId) => ValueType,
  taken: ReadonlySet<ValueId>,
): FnParam | undefined {
  const wanted = name(weight).replace(/weight$/, 'bias');
  return weights.find(
    (p) =>
      !taken.has(p.id) &&
      name(p) === wanted &&
      typeOf(p.id).shape.length === 1 &&
      typeOf(p.id).shape[0] === typeOf(weight.id).shape[0],
  );
}

/** The instructions that read a value; one that reads it twice stands twice. */
export function usersOf(fn: Fn): (id: ValueId) => readonly Instr[] {
  const users = new Map<ValueId, Instr[]>();
  for (const instr of fn.body) {
    const inputs =
      instr.kind === 'repeat' ? [...instr.carry, ...instr.broadcast, ...instr.layerInputs.flat()] : instr.inputs;
    for (const id of inputs) users.set(id, [...(users.get(id) ?? []), instr]);
  }
  return (id) => users.get(id) ?? [];
}

/** A trained copy goes by the name of the frozen weight that it replaces. */
function displayNames(fn: Fn, weights: readonly FnParam[], bindings: Bindings): (p: FnParam) => string {
  const live = new Set(weights.map((p) => p.name));
  const names = new Map<ValueId, string>();
  for (const p of weights) {
    const [entry] = bindings.of(fn.name, p.id);
    if (entry?.init?.kind !== 'copy' || entry.initFrom === undefined || !entry.path.endsWith(p.name)) continue;
    const prefix = entry.path.slice(0, entry.path.length - p.name.length);
    const original = entry.initFrom.slice(prefix.length);
    if (!entry.initFrom.startsWith(prefix) || live.has(original)) continue;
    live.add(original);
    names.set(p.id, original);
  }
  return (p) => names.get(p.id) ?? p.name;
}

/** The length of a parameter's axis; parameters have fixed shapes. */
export function fixedShape(type: ValueType): readonly number[] {
  return type.shape.map((d) => must(isStatic(d) ? d : undefined, 'a parameter has a fixed shape'));
}
