/** Folding: every rule has an effect, and numbers stay. */
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../engine/autodiff/gradient.ts';
import * as t from '../../../engine/ir/build.ts';
import type { OpName } from '../../../engine/ir/opAttrs.ts';
import type { Tensor } from '../../../engine/ir/tensor.ts';
import { foldProgram } from '../../../engine/passes/fold.ts';
import { inlineProgram } from '../../../engine/passes/inline.ts';
import { change, flatProgram, opInstrs, opsOf } from '../../support/flat.ts';
import { entryOf } from '../../support/gradients.ts';
import { B, randomProgram, T } from '../../support/programs.ts';

type Params = Readonly<Record<string, string>>;
type Body = (p: Readonly<Record<string, Tensor>>) => Tensor;

const X: Params = { x: 'f32[2,3]', y: 'f32[2,3]' };
const full = (like: Tensor, value: number): Tensor => t.constant(like, 'f32', like.type.shape, value);

/** Rule, parameters, body, and the ops that must be left. */
const RULES: readonly (readonly [string, Params, Body, readonly OpName[]])[] = [
  ['x + 0', X, ({ x }) => t.add(x!, 0), []],
  ['0 + x', X, ({ x }) => t.add(0, x!), []],
  ['x - 0', X, ({ x }) => t.sub(x!, 0), []],
  ['0 - x stays', X, ({ x }) => t.sub(0, x!), ['constant', 'sub']],
  ['x * 1', X, ({ x }) => t.mul(x!, full(x!, 1)), []],
  ['x / 1', X, ({ x }) => t.div(x!, 1), []],
  ['1 / x stays', X, ({ x }) => t.div(1, x!), ['constant', 'div']],
  ['x ^ 1', X, ({ x }) => t.pow(x!, 1), []],
  [
    'x * 1 that broadcasts stays',
    { x: 'f32[3]' },
    ({ x }) => t.mul(x!, t.constant(x!, 'f32', [2, 3], 1)),
    ['constant', 'mul'],
  ],
  ['(x * 2) * 3', X, ({ x }) => t.mul(t.mul(x!, 2), 3), ['constant', 'mul']],
  ['3 * (2 * x)', X, ({ x }) => t.mul(3, t.mul(2, x!)), ['constant', 'mul']],
  ['(x + 2) + 3', X, ({ x }) => t.add(t.add(x!, 2), 3), ['constant', 'add']],
  ['x * 2 * 0.5', X, ({ x }) => t.mul(t.mul(x!, 2), 0.5), []],
  ['x + y * -1', X, ({ x, y }) => t.add(x!, t.mul(y!, -1)), ['sub']],
  ['-x + y', X, ({ x, y }) => t.add(t.neg(x!), y!), ['sub']],
  ['x - -y', X, ({ x, y }) => t.sub(x!, t.neg(y!)), ['add']],
  ['--x', X, ({ x }) => t.neg(t.neg(x!)), []],
  [
    'constants',
    X,
    ({ x }) => t.add(x!, t.exp(t.mul(t.scalarLike(x!, 2), t.sin(t.scalarLike(x!, 1))))),
    ['constant', 'add'],
  ],
  [
    'a constant condition stays exact',
    X,
    ({ x }) => t.select(t.lt(t.scalarLike(x!, 1), t.scalarLike(x!, 2)), x!, t.neg(x!)),
    ['constant', 'neg', 'select'],
  ],
  ['log 0 stays', X, ({ x }) => t.mul(x!, t.exp(t.log(t.scalarLike(x!, 0)))), ['constant', 'log', 'exp', 'mul']],
  ['cast of a constant', X, ({ x }) => t.mul(x!, t.cast(t.constant(x!, 'i32', [], 3), 'f32')), ['constant', 'mul']],
  ['a static dimension', X, ({ x }) => t.mul(x!, t.dimension(x!, 7)), ['constant', 'mul']],
  ['a symbolic dimension stays', { x: 'f32[B,3]' }, ({ x }) => t.mul(x!, t.dimension(x!, B)), ['dimension', 'mul']],
  ['reshape twice', X, ({ x }) => t.reshape(t.reshape(x!, [6]), [3, 2]), ['reshape']],
  ['reshape there and back', X, ({ x }) => t.reshape(t.reshape(x!, [6]), [2, 3]), []],
  [
    'reshape of a constant',
    X,
    ({ x }) => t.mul(x!, t.reshape(t.constant(x!, 'f32', [6], 2), [2, 3])),
    ['constant', 'mul'],
  ],
  [
    'transpose twice',
    { x: 'f32[2,3,4]' },
    ({ x }) => t.transpose(t.transpose(x!, [1, 2, 0]), [1, 2, 0]),
    ['transpose'],
  ],
  [
    'transpose three times round',
    { x: 'f32[2,3,4]' },
    ({ x }) => [0, 1, 2].reduce((v) => t.transpose(v, [1, 2, 0]), x!),
    [],
  ],
  ['transpose that does nothing', X, ({ x }) => t.transpose(x!, [0, 1]), []],
  ['x^T y', X, ({ x, y }) => t.matmul(t.transpose(x!, [1, 0]), y!), ['matmul']],
  ['x y^T', X, ({ x, y }) => t.matmul(x!, t.transpose(y!, [1, 0])), ['matmul']],
  [
    'x^T (y^T)^T',
    X,
    ({ x, y }) => t.matmul(t.transpose(x!, [1, 0]), t.transpose(y!, [1, 0]), { transposeB: true }),
    ['matmul'],
  ],
  [
    'batched x y^T',
    { x: 'f32[2,3,4]', y: 'f32[2,5,4]' },
    ({ x, y }) => t.matmul(x!, t.transpose(y!, [0, 2, 1])),
    ['matmul'],
  ],
  [
    'batched x^T with a plain matrix stays',
    { x: 'f32[2,3,4]', y: 'f32[3,5]' },
    ({ x, y }) => t.matmul(t.transpose(x!, [0, 2, 1]), y!),
    ['transpose', 'matmul'],
  ],
  [
    'a transpose of heads stays',
    { x: 'f32[2,3,4,5]', y: 'f32[2,4,5,3]' },
    ({ x, y }) => t.matmul(t.transpose(x!, [0, 2, 1, 3]), y!),
    ['transpose', 'matmul'],
  ],
  [
    'broadcastTo before a product',
    { x: 'f32[2,3]', y: 'f32[3]' },
    ({ x, y }) => t.mul(x!, t.broadcastTo(y!, [2, 3])),
    ['mul'],
  ],
  ['a filled constant before a sum', X, ({ x }) => t.add(x!, full(x!, 2)), ['constant', 'add']],
  [
    'broadcastTo on both sides keeps the shape',
    { x: 'f32[3]', y: 'f32[1]' },
    ({ x, y }) => t.mul(t.broadcastTo(x!, [2, 3]), t.broadcastTo(y!, [2, 3])),
    ['broadcastTo', 'mul'],
  ],
  ['broadcastTo twice', { x: 'f32[1]' }, ({ x }) => t.broadcastTo(t.broadcastTo(x!, [3]), [2, 3]), ['broadcastTo']],
  ['broadcastTo of its own shape', X, ({ x }) => t.broadcastTo(x!, [2, 3]), []],
  ['sum of what was repeated', { x: 'f32[3]' }, ({ x }) => t.sum(t.broadcastTo(x!, [4, 3]), [-2]), ['constant', 'mul']],
  [
    'sum of what was repeated, axes kept',
    { x: 'f32[2,1]' },
    ({ x }) => t.sum(t.broadcastTo(x!, [2, 5]), [-1], true),
    ['constant', 'mul'],
  ],
  [
    'sum over a symbolic repetition',
    { x: 'f32[4]', sizes: 'f32[B,T]' },
    ({ x }) => t.sum(t.broadcastTo(x!, [B, T, 4]), [-3, -2]),
    ['dimension', 'mul'],
  ],
  [
    'sum over more than was repeated stays',
    { x: 'f32[3]' },
    ({ x }) => t.sum(t.broadcastTo(x!, [4, 3]), [-2, -1]),
    ['broadcastTo', 'sum'],
  ],
  ['sum over an axis of size one', { x: 'f32[2,1]' }, ({ x }) => t.sum(x!, [-1]), ['reshape']],
  ['reduceMax over no axis', X, ({ x }) => t.reduceMax(x!, []), []],
  ['slice of the whole axis', X, ({ x }) => t.slice(x!, -1, 0, 3), []],
  ['slice of a part stays', X, ({ x }) => t.slice(x!, -1, 0, 2), ['slice']],
  ['pad by zero', X, ({ x }) => t.pad(x!, -1, 0, 0), []],
  ['pack of unpack', { x: 'f32[2,3]', i: 'i32[2]' }, ({ x, i }) => t.pack(t.unpack(x!, i!, 2, 40), i!, 2), []],
];

describe('every rule', () => {
  it.each(RULES)('%s', (_name, params, body, left) => {
    const before = flatProgram(params, (p) => [body(p)]);
    const after = foldProgram(before);
    expect(opsOf(after)).toEqual(left);
    const isPacked = 'i' in params;
    if (!isPacked) expect(change(before, after)).toBeLessThan(1e-15);
    // A second walk finds nothing more.
    expect(opsOf(foldProgram(after))).toEqual(left);
  });

  it('a chain of rules in one walk', () => {
    const before = flatProgram(X, ({ x }) => {
      const y = t.mul(t.add(t.mul(x!, 1), 0), t.broadcastTo(t.reshape(t.scalarLike(x!, 4), [1, 1]), [2, 3]));
      return [t.transpose(t.transpose(t.mul(y, 0.25), [1, 0]), [1, 0])];
    });
    expect(opsOf(foldProgram(before))).toEqual([]);
  });
});

describe('what folding leaves alone', () => {
  it('barriers', () => {
    const before = flatProgram(X, ({ x, y }) => [t.neg(t.barrier(t.neg(x!), y!))]);
    expect(opsOf(foldProgram(before))).toEqual(['neg', 'barrier', 'neg']);
  });

  it('what stands in another region', () => {
    const program = flatProgram(X, ({ x }) => [t.neg(t.neg(x!))]);
    const fn = entryOf(program);
    const [inner, outer] = opInstrs(program);
    const region = {
      region: { kind: 'checkpoint' as const },
      inputs: inner!.inputs,
      outputs: inner!.outputs,
      path: 'r',
    };
    const tagged = { ...fn, body: [{ ...inner!, region: 0 }, outer!], regions: [region] };
    const before = { ...program, functions: new Map([['main', tagged]]) };
    expect(opsOf(foldProgram(before))).toEqual(['neg', 'neg']);
    expect(opsOf(foldProgram(program))).toEqual([]);
  });
});

describe('random programs', () => {
  it.each(Array.from({ length: 8 }, (_, i) => i))('%i: numbers stay, and the program gets shorter', (seed) => {
    const { program, feeds, wrt } = randomProgram(seed);
    const before = differentiate(inlineProgram(program), { of: 'loss', wrt }).program;
    const after = foldProgram(before);
    expect(opsOf(after).length).toBeLessThan(opsOf(before).length);
    expect(change(before, after, feeds)).toBeLessThan(1e-12);
  });
});
