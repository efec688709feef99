/** What a local variable would be called: by the node's own word for it, by its reader, by the module that made it. */
import type { OpAttrs, OpName } from '../../ir/opAttrs.ts';
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
const BY_OP: { readonly [K in OpName]: string } = {
  neg: 'operand',
  exp: 'operand',
  log: 'operand',
  sqrt: 'root',
  rsqrt: 'root',
  tanh: 'operand',
  erf: 'operand',
  sigmoid: 'gate',
  relu: 'operand',
  abs: 'operand',
  sign: 'sign',
  sin: 'sine',
  cos: 'cosine',
  not: 'mask',
  gelu: 'operand',
  add: 'operand',
  sub: 'difference',
  mul: 'operand',
  div: 'ratio',
  max: 'largest',
  min: 'least',
  pow: 'power',
  eq: 'equal',
  lt: 'less',
  and: 'mask',
  select: 'chosen',
  cast: 'operand',
  constant: 'constant',
  dimension: 'length',
  iota: 'positions',
  reshape: 'operand',
  transpose: 'operand',
  broadcastTo: 'operand',
  slice: 'part',
  pad: 'padded',
  concat: 'joined',
  gather: 'rows',
  scatterAdd: 'sums',
  pack: 'packed',
  unpack: 'unpacked',
  tokenMask: 'mask',
  matmul: 'product',
  sum: 'total',
  reduceMax: 'largest',
  softmax: 'weights',
  layerNorm: 'normalised',
  attention: 'context',
  crossEntropy: 'losses',
  noise: 'noise',
  barrier: 'operand',
  stopGradient: 'operand',
};

/** Names for results of ops that have none from their operands. */
const ELSE: ReadonlyMap<OpName, string> = new Map([
  ['add', 'total'],
  ['mul', 'product'],
  ['neg', 'negated'],
  ['reshape', 'reshaped'],
  ['transpose', 'transposed'],
  ['broadcastTo', 'expanded'],
  ['cast', 'converted'],
  ['relu', 'activated'],
  ['gelu', 'activated'],
  ['tanh', 'activated'],
]);

const ATTENTION_INPUTS = ['query', 'key', 'value'] as const;

/** Result names that say nothing of what was called. */
const GENERAL: ReadonlySet<string> = new Set(['delta', 'x', 'y', 'z']);

export function hintOf(id: ValueId, c: HintContext): string {
  const own = lastPart(c.fn.values.get(id)?.name);
  const call = c.fn.body.find((i) => i.kind === 'call' && i.outputs.length === 1 && i.outputs[0] === id);
  if (call?.kind === 'call' && own !== undefined && GENERAL.has(own)) return partsOfPath(call.site).at(-1) ?? own;
  if (own !== undefined) return own;
  const result = c.fn.results.find((r) => r.id === id);
  if (result) return lastPart(result.name) ?? 'result';
  return byReader(id, c, 0) ?? byMaker(id, c, 0) ?? 'value';
}

/** The last word of a name; a loss is called by its own name and not by `sum`. */
function lastPart(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const parts = partsOfPath(text);
  const last = parts.at(-1);
  if (last === 'sum' && parts.length > 1) return parts.at(-2);
  return last === 'weight' && parts.length > 1 ? `${parts.at(-2)}_weight` : last;
}

/** What the only reader takes it for: an operand of attention, the stream of a stack; through dropout, which changes nothing. */
function byReader(id: ValueId, c: HintContext, depth: number): string | undefined {
  const readers = c.fn.body.filter((i) =>
    (i.kind === 'repeat' ? i.carry : i.kind === 'op' ? i.inputs : []).includes(id),
  );
  const [reader, ...others] = readers;
  if (!reader || others.length > 0 || depth > 4) return undefined;
  if (reader.kind === 'repeat')
    return lastPart(c.fn.values.get(reader.outputs[reader.carry.indexOf(id)] as ValueId)?.name);
  if (reader.kind !== 'op') return undefined;
  if (reader.op === 'attention') {
    const word = ATTENTION_INPUTS[reader.inputs.indexOf(id) as 0 | 1 | 2];
    const isJoined = c.made(id)?.op === 'concat';
    return word !== undefined && word !== 'query' && isJoined ? `${word}s` : word;
  }
  const isDropout = reader.op === 'mul' && reader.inputs.some((x) => c.attributes.dropout(x) !== undefined);
  return isDropout ? byReader(reader.outputs[0] as ValueId, c, depth + 1) : undefined;
}

/** The attribute's name of a module that made the value, through ops that keep a name. */
function byMaker(id: ValueId, c: HintContext, depth: number): string | undefined {
  const instr = c.made(id);
  const own = c.attributes.weight(id);
  if (own?.kind === 'attribute') return own.of.kind === 'attribute' ? `${own.of.name}_${own.name}` : own.name;
  if (!instr || depth > 6) return undefined;
  const weight = instr.inputs[1];
  if (weight !== undefined && (instr.op === 'matmul' || instr.op === 'layerNorm')) {
    const module = c.attributes.linear(weight)?.self ?? c.attributes.norm(weight)?.self;
    if (module) return lastName(module);
  }
  // A product with `qkv_weight` is called `qkv`.
  const bare = instr.op === 'matmul' && weight !== undefined ? c.attributes.weight(weight) : undefined;
  if (bare?.kind === 'attribute' && bare.name.endsWith('_weight')) return bare.name.slice(0, -'_weight'.length);
  const table = instr.op === 'gather' ? c.attributes.embedding(instr.inputs[0] as ValueId) : undefined;
  if (table) return lastName(table);
  if (instr.op === 'constant') return (instr.attrs as OpAttrs['constant']).value === 0 ? 'zeros' : 'constant';
  if (instr.op === 'sqrt' && c.made(instr.inputs[0] as ValueId)?.op === 'sum') return 'norm';
  const word = BY_OP[instr.op];
  if (word !== 'operand') return word;
  for (const x of instr.inputs) {
    const found = byMaker(x, c, depth + 1);
    if (found !== undefined && found !== 'constant' && found !== 'noise') return found;
  }
  return ELSE.get(instr.op) ?? instr.op;
}

const lastName = (e: Expr): string | undefined => (e.kind === 'attribute' ? e.name : undefined);
