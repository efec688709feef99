/** What a local variable would be called: by the node's own word for it, by its reader, by the module that made it. */
import type { OpName } from '../../ir/opAttrs.ts';
import type { Fn, OpInstr, ValueId } from '../../ir/program.ts';
import type { Attributes } from './attributes.ts';
import { partsOfPath } from './naming.ts';
import type { Expr } from './python/syntax.ts';

export interface HintContext {
  readonly fn: Fn;
  readonly attributes: Attributes;
  made(id: ValueId): OpInstr | undefined;
}

/** Names of results by what was done; ops that only rearrange or shape a value leave its name to it. */
const BY_OP: { readonly [K in OpName]: string | 'operand' } = {
  neg: 'operand', exp: 'operand', log: 'operand', sqrt: 'root', rsqrt: 'root', tanh: 'operand', erf: 'operand', sigmoid: 'gate',
  relu: 'operand', abs: 'operand', sign: 'sign', sin: 'sine', cos: 'cosine', not: 'mask', gelu: 'operand',
  add: 'operand', sub: 'difference', mul: 'operand', div: 'ratio', max: 'largest', min: 'least', pow: 'power', eq: 'equal', lt: 'less',
  and: 'mask', select: 'chosen', cast: 'operand', constant: 'constant', dimension: 'length', iota: 'positions',
  reshape: 'operand', transpose: 'operand', broadcastTo: 'operand', slice: 'part', pad: 'padded', concat: 'joined',
  gather: 'rows', scatterAdd: 'sums', pack: 'packed', unpack: 'unpacked', tokenMask: 'mask', matmul: 'product', sum: 'total',
  reduceMax: 'largest', softmax: 'weights', layerNorm: 'normalised', attention: 'context', crossEntropy: 'losses',
  noise: 'noise', barrier: 'operand', stopGradient: 'operand',
};

const ATTENTION_INPUTS = ['query', 'keys', 'values'] as const;

export function hintOf(id: ValueId, c: HintContext): string {
  const own = lastPart(c.fn.values.get(id)?.name);
  if (own !== undefined) return own;
  const result = c.fn.results.find((r) => r.id === id);
  if (result) return lastPart(result.name) ?? 'result';
  for (const instr of c.fn.body) {
    if (instr.kind !== 'op' || instr.op !== 'attention') continue;
    const position = instr.inputs.indexOf(id);
    const word = ATTENTION_INPUTS[position as 0 | 1 | 2];
    if (word !== undefined) return word === 'keys' && c.made(id)?.op !== 'concat' ? 'key' : word === 'values' && c.made(id)?.op !== 'concat' ? 'value' : word;
  }
  return byMaker(id, c, 0) ?? 'value';
}

const lastPart = (text: string | undefined): string | undefined => (text === undefined ? undefined : partsOfPath(text).at(-1));

/** The attribute's name of a module that made the value, through ops that keep a name. */
function byMaker(id: ValueId, c: HintContext, depth: number): string | undefined {
  const instr = c.made(id);
  if (!instr || depth > 6) return undefined;
  const weight = instr.inputs[1];
  if (weight !== undefined) {
    const module = c.attributes.linear(weight)?.self ?? c.attributes.norm(weight)?.self;
    if (module) return lastName(module);
  }
  const table = instr.op === 'gather' ? c.attributes.embedding(instr.inputs[0] as ValueId) : undefined;
  if (table) return lastName(table);
  const word = BY_OP[instr.op];
  if (word !== 'operand') return word;
  for (const x of instr.inputs) {
    const found = byMaker(x, c, depth + 1);
    if (found !== undefined && found !== 'constant' && found !== 'noise') return found;
  }
  return instr.op === 'add' ? 'total' : instr.op === 'mul' ? 'product' : instr.op;
}

const lastName = (e: Expr): string | undefined => (e.kind === 'attribute' ? e.name : undefined);
