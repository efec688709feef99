/** Losses as PyTorch's own functions where the graph says the same: cross-entropy, squared error, binary cross-entropy. */
import { productOf } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { Fn, OpInstr, ValueId } from '../../ir/program.ts';
import { must } from '../../base/errors.ts';
import { binary, integer, invoke, type Expr } from './python/syntax.ts';

export interface LossMatch {
  readonly operands: readonly ValueId[];
  build(operands: readonly Expr[]): Expr;
}

type Find = (id: ValueId | undefined, op: OpInstr['op']) => OpInstr | undefined;

/** The mean that a sum and its weight stand for. */
export function matchLoss(fn: Fn, sum: ValueId, weight: ValueId): LossMatch {
  const made = new Map<ValueId, OpInstr>();
  for (const instr of fn.body) if (instr.kind === 'op') for (const id of instr.outputs) made.set(id, instr);
  const find: Find = (id, op) => {
    const instr = id === undefined ? undefined : made.get(id);
    return instr?.op === op ? instr : undefined;
  };
  const terms = find(sum, 'sum')?.inputs[0];
  const isWhole =
    terms !== undefined && (find(sum, 'sum')?.attrs as OpAttrs['sum'] | undefined)?.axes.length === rankOf(fn, terms);
  const matched = isWhole
    ? (crossEntropy(fn, terms, weight, find) ??
      squaredError(fn, terms, weight, find) ??
      binaryCrossEntropy(fn, terms, weight, find))
    : undefined;
  if (matched) return matched;
  const one = find(weight, 'constant')?.attrs as OpAttrs['constant'] | undefined;
  if (one?.value === 1) return { operands: [sum], build: ([x]) => x as Expr };
  return { operands: [sum, weight], build: ([x, w]) => binary('/', x as Expr, w as Expr) };
}

const shapeOf = (fn: Fn, id: ValueId) => must(fn.values.get(id), `%${id}`).type.shape;
const rankOf = (fn: Fn, id: ValueId): number => shapeOf(fn, id).length;

/** The sum over rows of the negative log-likelihood by the number of rows with a label. */
function crossEntropy(fn: Fn, terms: ValueId, weight: ValueId, find: Find): LossMatch | undefined {
  const entropy = find(terms, 'crossEntropy');
  const equal = find(find(find(find(weight, 'sum')?.inputs[0], 'cast')?.inputs[0], 'not')?.inputs[0], 'eq');
  const [logits, labels] = entropy?.inputs ?? [];
  if (!entropy || !equal || logits === undefined || labels === undefined || rankOf(fn, logits) !== 2) return undefined;
  const ignored = (find(equal.inputs[1], 'constant')?.attrs as OpAttrs['constant'] | undefined)?.value;
  const { ignoreIndex } = entropy.attrs as OpAttrs['crossEntropy'];
  if (equal.inputs[0] !== labels || ignored !== ignoreIndex) return undefined;
  const keywords = ignoreIndex === -100 ? {} : { ignore_index: integer(ignoreIndex) };
  return {
    operands: [logits, labels],
    build: ([a, b]) => invoke('functional.cross_entropy', [a as Expr, b as Expr], keywords),
  };
}

const isCount = (fn: Fn, weight: ValueId, of: ValueId, find: Find): boolean => {
  const count = productOf(shapeOf(fn, of));
  const dimension = find(weight, 'dimension')?.attrs as OpAttrs['dimension'] | undefined;
  const constant = find(weight, 'constant')?.attrs as OpAttrs['constant'] | undefined;
  return dimension?.of === count || constant?.value === count;
};

function squaredError(fn: Fn, terms: ValueId, weight: ValueId, find: Find): LossMatch | undefined {
  const square = find(terms, 'mul');
  const difference = find(square?.inputs[0], 'sub');
  if (!square || !difference || square.inputs[0] !== square.inputs[1] || !isCount(fn, weight, terms, find))
    return undefined;
  return { operands: difference.inputs, build: ([a, b]) => invoke('functional.mse_loss', [a as Expr, b as Expr]) };
}

/** max(z, 0) - z y + log(1 + exp(-|z|)) */
function binaryCrossEntropy(fn: Fn, terms: ValueId, weight: ValueId, find: Find): LossMatch | undefined {
  const total = find(terms, 'add');
  const hinge = find(total?.inputs[0], 'sub');
  const clamp = find(hinge?.inputs[0], 'max');
  const product = find(hinge?.inputs[1], 'mul');
  const abs = find(
    find(find(find(find(total?.inputs[1], 'log')?.inputs[0], 'add')?.inputs[0], 'exp')?.inputs[0], 'mul')?.inputs[0],
    'abs',
  );
  const z = clamp?.inputs[0];
  const labels = product?.inputs[1];
  if (
    z === undefined ||
    labels === undefined ||
    product?.inputs[0] !== z ||
    abs?.inputs[0] !== z ||
    !isCount(fn, weight, terms, find)
  )
    return undefined;
  return {
    operands: [z, labels],
    build: ([a, b]) => invoke('functional.binary_cross_entropy_with_logits', [a as Expr, b as Expr]),
  };
}
