/** Lowerings of elementwise ops. Factors, offsets and broadcasts are carried as far as they go (`values.ts`). */
import { isFloat, type ValueType } from '../../ir/types.ts';
import type { OpName } from '../../ir/opAttrs.ts';
import { int, text } from './graph.ts';
import { affine, compact, held, requireF32, typeOf, type LowerContext, type Lowering, type Site } from './lowering.ts';
import { ELEMENT_TYPE } from './proto.ts';
import { isConstant, isSmaller, joined, mayCarry, plain, settle, type Lowered } from './values.ts';

/** The result of a node over compact operands: its tensor has the shape that they broadcast to. */
function result(site: Site, name: string, operands: readonly Lowered[]): Lowered {
  return { ...plain(name, typeOf(site)), shape: joined(operands.map((o) => o.shape)) };
}

type Nodes = (c: LowerContext, names: readonly string[]) => string;

/** All operands settled, then one or more nodes. */
function direct<K extends OpName>(write: Nodes, extra: { readonly bounded?: true } = {}): Lowering<K> {
  return (c, site, inputs) => {
    for (const v of inputs) requireF32(site, v);
    const operands = inputs.map((v) => compact(c, v));
    return [
      {
        ...result(
          site,
          write(
            c,
            operands.map((o) => o.name),
          ),
          operands,
        ),
        ...extra,
      },
    ];
  };
}

const one =
  (op: string): Nodes =>
  (c, names) =>
    c.graph.node(op, names);

const f32 = (site: Site): boolean => typeOf(site).dtype === 'f32';
const useCount = (site: Site): number => site.uses[0] ?? 0;

export const lowerNeg: Lowering<'neg'> = (c, site, inputs) => [affine(c, inputs[0] as Lowered, -1, 0, useCount(site))];

/** Sums: equal factors float on, opposite ones become a difference, others are settled. */
function sumOf(c: LowerContext, site: Site, a: Lowered, b: Lowered): Lowered {
  if (isConstant(b)) return { ...affine(c, a, 1, b.offset, useCount(site)), type: typeOf(site) };
  if (isConstant(a)) return { ...affine(c, b, 1, a.offset, useCount(site)), type: typeOf(site) };
  const [x, y] = [settleBounded(c, a), settleBounded(c, b)];
  const carried = (op: 'Add' | 'Sub', first: Lowered, second: Lowered, factor: number): Lowered => ({
    ...result(site, c.graph.node(op, [first.name, second.name]), [first, second]),
    factor,
    offset: first.offset + second.offset,
  });
  if (x.factor === y.factor) return carried('Add', x, y, x.factor);
  if (x.factor === -y.factor)
    return x.factor === 1
      ? carried('Sub', x, y, 1)
      : y.factor === 1
        ? carried('Sub', y, x, 1)
        : carried('Sub', x, y, x.factor);
  return sumOf(c, site, settleFactor(c, x), settleFactor(c, y));
}

/** A bounded tensor takes factor and offset in one pass, if that is possible at all. */
function settleBounded(c: LowerContext, v: Lowered): Lowered {
  const within = v.bounded && v.offset - Math.abs(v.factor) >= 0 && v.offset + Math.abs(v.factor) <= 1;
  return within ? settle(c.graph, v) : v;
}

function settleFactor(c: LowerContext, v: Lowered): Lowered {
  return v.factor === 1 ? v : { ...settle(c.graph, { ...v, offset: 0 }), offset: v.offset };
}

export const lowerAdd: Lowering<'add'> = (c, site, inputs) => {
  const [a, b] = inputs as [Lowered, Lowered];
  return f32(site) ? [sumOf(c, site, a, b)] : direct<'add'>(one('Add'))(c, site, inputs);
};

export const lowerSub: Lowering<'sub'> = (c, site, inputs) => {
  const [a, b] = inputs as [Lowered, Lowered];
  if (!f32(site)) return direct<'sub'>(one('Sub'))(c, site, inputs);
  return [sumOf(c, site, a, { ...withoutProduct(b), factor: -b.factor, offset: -b.offset })];
};

function withoutProduct(v: Lowered): Lowered {
  const { product: _product, ...rest } = v;
  return rest;
}

export const lowerMul: Lowering<'mul'> = (c, site, inputs) => {
  const [a, b] = inputs as [Lowered, Lowered];
  if (!f32(site)) return direct<'mul'>(one('Mul'))(c, site, inputs);
  const scalar = isConstant(a) ? a : isConstant(b) ? b : undefined;
  if (scalar && (scalar.offset !== 0 || (isConstant(a) && isConstant(b)))) {
    return [{ ...affine(c, scalar === a ? b : a, scalar.offset, 0, useCount(site)), type: typeOf(site) }];
  }
  return [quotientOrProduct(c, site, 'Mul', a, b)];
};

export const lowerDiv: Lowering<'div'> = (c, site, inputs) => {
  const [a, b] = inputs as [Lowered, Lowered];
  if (!f32(site)) return direct<'div'>(one('Div'))(c, site, inputs);
  if (isConstant(b) && b.offset !== 0 && Number.isFinite(1 / b.offset)) {
    return [{ ...affine(c, a, 1 / b.offset, 0, useCount(site)), type: typeOf(site) }];
  }
  return [quotientOrProduct(c, site, 'Div', a, b)];
};

/** Factors multiply (or divide); where one operand is smaller it takes the result's factor, which is then no pass of its own. */
function quotientOrProduct(c: LowerContext, site: Site, op: 'Mul' | 'Div', a: Lowered, b: Lowered): Lowered {
  const strip = (v: Lowered): Lowered => (isConstant(v) || v.offset !== 0 ? settle(c.graph, v) : withoutProduct(v));
  const [x, y] = [strip(a), strip(b)];
  const factor = op === 'Mul' ? x.factor * y.factor : x.factor / y.factor;
  const write = (p: Lowered, q: Lowered): Lowered => result(site, c.graph.node(op, [p.name, q.name]), [p, q]);
  if (factor !== 1 && (isSmaller(x.shape, y.shape) || !mayCarry(factor))) {
    return write(settle(c.graph, { ...x, factor }), { ...y, factor: 1 });
  }
  if (factor !== 1 && isSmaller(y.shape, x.shape)) {
    const own = op === 'Mul' ? factor : 1 / factor;
    return write({ ...x, factor: 1 }, settle(c.graph, { ...y, factor: own }));
  }
  return { ...write(x, y), factor };
}

export const lowerGelu: Lowering<'gelu'> = (c, site, inputs) => {
  const x = compact(c, inputs[0] as Lowered);
  if (site.derivative) {
    // x Phi(x): scaling and erf are merged with those of the derivative, because the nodes are equal.
    const scaled = c.graph.node('Mul', [x.name, c.graph.scalar('f32', Math.SQRT1_2)]);
    const cdf = settle(c.graph, {
      ...plain(c.graph.node('Erf', [scaled]), x.type),
      factor: 0.5,
      offset: 0.5,
      bounded: true,
    });
    // Else the runtime would leave the derivative to the backward pass, and keep both x and Phi(x) for it.
    const after = settle(c.graph, site.derivative).name;
    return [result(site, c.graph.node('Mul', [x.name, held(c, cdf.name, cdf.shape, after)]), [x])];
  }
  const attributes = { approximate: text(site.attrs.approximate) };
  return [result(site, c.graph.node('Gelu', [x.name], { attributes }), [x])];
};

export const lowerRsqrt = direct<'rsqrt'>((c, [x]) =>
  c.graph.node('Reciprocal', [c.graph.node('Sqrt', [x as string])]),
);
export const lowerExp = direct<'exp'>(one('Exp'));
export const lowerLog = direct<'log'>(one('Log'));
export const lowerSqrt = direct<'sqrt'>(one('Sqrt'));
export const lowerTanh = direct<'tanh'>(one('Tanh'), { bounded: true });
export const lowerErf = direct<'erf'>(one('Erf'), { bounded: true });
export const lowerSigmoid = direct<'sigmoid'>(one('Sigmoid'), { bounded: true });
export const lowerRelu = direct<'relu'>(one('Relu'));
export const lowerAbs = direct<'abs'>(one('Abs'));
export const lowerSign = direct<'sign'>(one('Sign'));
export const lowerSin = direct<'sin'>(one('Sin'));
export const lowerCos = direct<'cos'>(one('Cos'));
export const lowerNot = direct<'not'>(one('Not'));
export const lowerMax = direct<'max'>(one('Max'));
export const lowerMin = direct<'min'>(one('Min'));
export const lowerPow = direct<'pow'>(one('Pow'));
export const lowerEq = direct<'eq'>(one('Equal'));
export const lowerLt = direct<'lt'>(one('Less'));
export const lowerAnd = direct<'and'>(one('And'));

export const lowerSelect: Lowering<'select'> = (c, site, inputs) => {
  const type = typeOf(site);
  const operands = inputs.map((v) => compact(c, v));
  const names = operands.map((o) => o.name);
  if (type.dtype !== 'bool' && type.dtype !== 'u32') return [result(site, c.graph.node('Where', names), operands)];
  // Where has no kernel for these types: the choice is made among integers.
  const wide = names.map((n, i) => (i === 0 ? n : castTo(c, n, 'i32')));
  return [result(site, castTo(c, c.graph.node('Where', wide), type.dtype), operands)];
};

export const castTo = (c: LowerContext, name: string, dtype: ValueType['dtype']): string =>
  c.graph.node('Cast', [name], { attributes: { to: int(ELEMENT_TYPE[dtype]) } });

export const lowerCast: Lowering<'cast'> = (c, site, inputs) => {
  const v = inputs[0] as Lowered;
  const type = typeOf(site);
  if (v.type.dtype === type.dtype) return [v];
  if (isConstant(v)) {
    const value =
      type.dtype === 'bool' ? (v.offset === 0 ? 0 : 1) : isFloat(type.dtype) ? v.offset : Math.trunc(v.offset);
    return [{ ...v, type, offset: value }];
  }
  const x = compact(c, v);
  return [result(site, castTo(c, x.name, type.dtype), [x])];
};
