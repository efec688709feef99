/** Dropouts and attentions of a function as modules: neither has weights, both behave differently in training. */
import { must } from '../../base/errors.ts';
import { isStatic } from '../../ir/dim.ts';
import type { OpAttrs } from '../../ir/opAttrs.ts';
import type { Fn, Instr, OpInstr, ValueId } from '../../ir/program.ts';
import { sameShape } from '../../ir/types.ts';
import type { Construction } from './construct.ts';
import type { AttributeContext, Entry } from './context.ts';
import { usersOf } from './modules.ts';
import { partsOfPath } from './naming.ts';
import { own, type Ident } from './python/identifiers.ts';
import type { SizeId } from './sizes.ts';
import { attribute, call, dotted, SELF, type Expr } from './python/syntax.ts';

const assign = (name: Ident, value: Expr): Construction => ({
  made: { kind: 'assign', targets: [attribute(SELF, name)], value },
  starts: [],
});

const probability = (c: AttributeContext, p: number, hint: string): Expr =>
  c.holes.add({ kind: 'probability', value: p, hint });

export interface Dropouts {
  readonly entries: readonly Entry[];
  /** The attribute of each noise value that is the noise of a dropout. */
  readonly keys: ReadonlyMap<ValueId, string>;
}

/** Noise that a tensor of the same shape is multiplied by, and nothing else: dropout. One module per probability. */
export function dropoutsOf(c: AttributeContext): Dropouts {
  const users = usersOf(c.fn);
  const shapeOf = (id: ValueId) => must(c.fn.values.get(id), `%${id}`).type.shape;
  const keys = new Map<ValueId, string>();
  const found = new Map<string, { order: number; p: number; site: string }>();
  c.fn.body.forEach((instr, order) => {
    const p = keepProbability(instr);
    if (p === undefined || instr.kind !== 'op') return;
    const id = instr.outputs[0] as ValueId;
    const { site, shape } = instr.attrs as OpAttrs['noise'];
    const [user, ...others] = users(id);
    if (user?.kind !== 'op' || user.op !== 'mul' || others.length > 0) return;
    const dropped = user.inputs.find((x) => x !== id) as ValueId;
    if (!sameShape(shapeOf(dropped), shape) || !sameShape(shapeOf(user.outputs[0] as ValueId), shape)) return;
    const key = `dropout:${c.noiseKey(id) ?? p}`;
    keys.set(id, key);
    if (!found.has(key)) found.set(key, { order, p, site });
  });
  const entries = [...found].map(([key, { order, p, site }]): Entry => {
    const parts = partsOfPath(site);
    const longer = parts.length > 1 ? parts.slice(0, -1).join('_') : (parts[0] ?? 'dropout');
    const wish = { key, names: longer === 'dropout' ? [longer] : ['dropout', longer] };
    const hint = found.size > 1 ? longer : 'dropout';
    return { key, order, wish, make: (name) => assign(name, call(dotted('nn.Dropout'), [probability(c, p, hint)])) };
  });
  return { entries, keys };
}

function keepProbability(instr: Instr | undefined): number | undefined {
  if (instr?.kind !== 'op' || instr.op !== 'noise') return undefined;
  const { distribution } = instr.attrs as OpAttrs['noise'];
  return distribution.kind === 'keep' ? distribution.p : undefined;
}

const attentionDropout = (fn: Fn, instr: OpInstr): number =>
  keepProbability(fn.body.find((i) => instr.inputs.length > 4 && i.outputs[0] === instr.inputs[4])) ?? 0;

/** Attentions that agree in everything are one module. */
export const attentionKey = (fn: Fn, instr: OpInstr): string =>
  `attention:${JSON.stringify([instr.attrs, attentionDropout(fn, instr)])}`;

export function attentionsOf(c: AttributeContext): Entry[] {
  const found = new Map<string, Entry>();
  c.fn.body.forEach((instr, order) => {
    if (instr.kind !== 'op' || instr.op !== 'attention') return;
    const key = attentionKey(c.fn, instr);
    if (found.has(key)) return;
    const made = (name: Ident): Construction =>
      assign(name, call(dotted('Attention'), [], attentionKeywords(instr, c)));
    found.set(key, { key, order, wish: { key, names: ['attention'] }, make: made });
  });
  return [...found.values()];
}

function attentionKeywords(instr: OpInstr, c: AttributeContext): (readonly [Ident, Expr])[] {
  const attrs = instr.attrs as OpAttrs['attention'];
  const p = attentionDropout(c.fn, instr);
  const keywords: (readonly [Ident, Expr])[] = [];
  const add = (key: string, value: Expr): void => void keywords.push([own(key), value]);
  add('heads', c.holes.add({ kind: 'count', value: attrs.heads, hint: 'heads' }));
  if (instr.inputs.length > 4) add('dropout', probability(c, p, 'dropout'));
  if (attrs.prefix !== 0) {
    const prefix = must(isStatic(attrs.prefix) ? attrs.prefix : undefined, 'a prefix has a fixed length');
    const size = prefixSize(instr, c);
    add(
      'prefix',
      c.holes.add({ kind: 'size', value: prefix, hint: 'prefix', ...(size === undefined ? {} : { size }) }),
    );
  }
  if (attrs.causal) add('causal', dotted('True'));
  const width = must(c.fn.values.get(instr.inputs[0] as ValueId), 'queries').type.shape[2];
  const usual = width !== undefined && isStatic(width) ? 1 / Math.sqrt(width / attrs.heads) : Number.NaN;
  if (!(Math.abs(usual - attrs.scale) <= 1e-6 * attrs.scale)) {
    add('scale', c.holes.add({ kind: 'factor', value: attrs.scale, hint: 'attention_scale' }));
  }
  return keywords;
}

/** The length of the prefix as the size that it is: the first of the tensors that the keys were joined from has it. */
function prefixSize(instr: OpInstr, c: AttributeContext): SizeId | undefined {
  const keys = c.fn.body.find((i) => i.kind === 'op' && i.op === 'concat' && i.outputs[0] === instr.inputs[1]);
  const first = keys?.kind === 'op' ? keys.inputs[0] : undefined;
  const fits =
    first !== undefined && c.fn.values.get(first)?.type.shape[1] === (instr.attrs as OpAttrs['attention']).prefix;
  return fits ? c.sizes.of(first, 1) : undefined;
}
