/** What every op says when its inputs do not fit: a `ShapeError` that names the op, what was found, and what to do. */
import { describe, expect, it } from 'vitest';
import { symbol } from '../../../engine/ir/dim.ts';
import type { OpAttrs, OpName } from '../../../engine/ir/opAttrs.ts';
import { parseType } from '../../../engine/ir/types.ts';
import { ShapeError } from '../../../engine/ops/rule.ts';
import { inferTypes, OP_NAMES, ruleOf } from '../../../engine/ops/table.ts';

type Refusal = { [K in OpName]: readonly [K, OpAttrs[K], readonly string[], RegExp] }[OpName];

const ATTENTION: OpAttrs['attention'] = { heads: 2, scale: 1, causal: false, prefix: 0, dropout: false };

const REFUSALS: readonly Refusal[] = [
  ['exp', {}, ['i32[2]'], /needs a float tensor, got i32\[2\]/],
  ['not', {}, ['f32[2]'], /needs a boolean tensor, got f32\[2\]/],
  ['add', {}, ['f32[2,3]', 'f32[2,4]'], /\[2,3\] and \[2,4\] do not broadcast: 3 against 4 on axis -1/],
  ['add', {}, ['f32[2]', 'i32[2]'], /element types differ, got f32\[2\] and i32\[2\]/],
  ['mul', {}, ['bool[2]', 'bool[2]'], /needs numbers, got bool\[2\]/],
  ['and', {}, ['f32[2]', 'f32[2]'], /needs a boolean tensor/],
  ['lt', {}, ['f32[2]', 'i32[2]'], /element types differ/],
  ['select', {}, ['f32[2]', 'f32[2]', 'f32[2]'], /needs a boolean tensor/],
  ['select', {}, ['bool[2]', 'f32[2]', 'f32[3]'], /do not broadcast/],
  ['reshape', { shape: [5] }, ['f32[2,3]'], /\[2,3\] has 6 elements, \[5\] has 5/],
  ['transpose', { perm: [0, 0] }, ['f32[2,3]'], /\[0,0\] is no order of the axes/],
  ['transpose', { perm: [0, 2] }, ['f32[2,3]'], /\[0,2\] is no order of the axes/],
  ['broadcastTo', { shape: [2, 4] }, ['f32[2,3]'], /\[2,3\] does not broadcast to \[2,4\]/],
  ['broadcastTo', { shape: [3] }, ['f32[2,3]'], /\[2,3\] does not broadcast to \[3\]/],
  ['slice', { axis: -1, start: 2, size: 2 }, ['f32[2,3]'], /2\.\.4 is outside axis -1 of \[2,3\]/],
  ['slice', { axis: -3, start: 0, size: 1 }, ['f32[2,3]'], /outside axis -3/],
  ['slice', { axis: 0, start: 0, size: 1 }, ['f32[2,3]'], /outside axis 0/],
  ['slice', { axis: -1, start: -1, size: 1 }, ['f32[2,3]'], /outside axis -1/],
  ['pad', { axis: -3, before: 1, after: 1 }, ['f32[2,3]'], /no axis -3/],
  ['pad', { axis: 0, before: 1, after: 1 }, ['f32[2,3]'], /no axis 0/],
  ['pad', { axis: -1, before: -1, after: 1 }, ['f32[2,3]'], /negative/],
  ['concat', { axis: -1 }, ['f32[2,3]', 'f32[3,3]'], /\[2,3\], \[3,3\] differ outside axis -1/],
  ['concat', { axis: -1 }, ['f32[2]', 'i32[2]'], /element types differ/],
  ['concat', { axis: -2 }, ['f32[2]', 'f32[2]'], /no axis -2/],
  ['concat', { axis: -1 }, [], /takes at least 1 inputs, got 0/],
  ['gather', {}, ['f32[2]', 'f32[2]'], /index must be i32, got f32\[2\]/],
  ['gather', {}, ['f32[]', 'i32[2]'], /table is a scalar/],
  ['scatterAdd', { rows: 3 }, ['f32[2]', 'i32[3]'], /does not begin with the shape/],
  ['scatterAdd', { rows: 3 }, ['bool[2]', 'i32[2]'], /needs numbers/],
  ['pack', { rows: 3 }, ['f32[2,2]', 'i32[4]'], /into 3 rows/],
  ['unpack', { batch: 2, length: 2 }, ['f32[3]', 'i32[4]'], /different packings/],
  ['tokenMask', { length: 2 }, ['f32[2]'], /index must be i32/],
  [
    'matmul',
    { transposeA: false, transposeB: false },
    ['f32[8,64]', 'f32[32,64]'],
    /inner sizes must match.*64 against 32/,
  ],
  ['matmul', { transposeA: false, transposeB: false }, ['f32[8]', 'f32[8,2]'], /two float matrices/],
  ['matmul', { transposeA: false, transposeB: false }, ['i32[8,8]', 'i32[8,2]'], /two float matrices/],
  ['matmul', { transposeA: false, transposeB: false }, ['f32[2,3,4]', 'f32[3,4,5]'], /leading axes must match/],
  ['matmul', { transposeA: true, transposeB: false }, ['f32[2,4,3]', 'f32[4,5]'], /ambiguous/],
  ['sum', { axes: [0], keep: false }, ['f32[2]'], /axis 0 is not an axis/],
  ['sum', { axes: [-2], keep: false }, ['f32[2]'], /axis -2 is not an axis/],
  ['sum', { axes: [-1, -1], keep: false }, ['f32[2]'], /stands twice/],
  ['reduceMax', { axes: [-1], keep: false }, ['bool[2]'], /needs numbers/],
  ['softmax', {}, ['f32[]'], /at least one axis/],
  ['softmax', {}, ['i32[2]'], /float tensor/],
  ['layerNorm', { epsilon: 1 }, ['f32[2,3]', 'f32[2]', 'f32[3]'], /must be \[3\], got \[2\]/],
  ['layerNorm', { epsilon: 1 }, ['f32[2,3]', 'i32[3]', 'f32[3]'], /float tensor/],
  ['layerNorm', { epsilon: 1 }, ['f32[]', 'f32[]', 'f32[]'], /at least one axis/],
  ['attention', ATTENTION, ['f32[2,3,5]', 'f32[2,3,5]', 'f32[2,3,4]', 'i32[2]'], /width 5 does not split in 2 heads/],
  ['attention', ATTENTION, ['f32[2,3,4]', 'f32[2,3,6]', 'f32[2,3,4]', 'i32[2]'], /query and key widths differ/],
  ['attention', ATTENTION, ['f32[2,3,4]', 'f32[2,3,4]', 'f32[2,2,4]', 'i32[2]'], /differ in number/],
  ['attention', ATTENTION, ['f32[2,3,4]', 'f32[2,3,4]', 'f32[2,3,4]', 'i32[3]'], /batch axes differ/],
  ['attention', ATTENTION, ['f32[3,4]', 'f32[2,3,4]', 'f32[2,3,4]', 'i32[2]'], /\[B, T, width\]/],
  ['attention', ATTENTION, ['f32[2,3,4]', 'f32[2,3,4]', 'f32[2,3,4]', 'f32[2]'], /lengths must be i32/],
  ['attention', { ...ATTENTION, dropout: true }, ['f32[2,3,4]', 'f32[2,3,4]', 'f32[2,3,4]', 'i32[2]'], /keep factors/],
  [
    'attention',
    { ...ATTENTION, dropout: true },
    ['f32[2,3,4]', 'f32[2,3,4]', 'f32[2,3,4]', 'i32[2]', 'f32[2,2,3]'],
    /keep factors f32\[2,2,3\] must be \[2,2,3,3\]/,
  ],
  ['crossEntropy', { ignoreIndex: -100 }, ['f32[2,3]', 'i32[3]'], /do not fit logits/],
  ['crossEntropy', { ignoreIndex: -100 }, ['f32[2,3]', 'f32[2]'], /do not fit logits/],
  ['noise', { site: 'a', shape: [2], distribution: { kind: 'uniform' } }, ['u32[3]', 'i32[2]'], /key must be u32\[2\]/],
  ['noise', { site: 'a', shape: [2], distribution: { kind: 'uniform' } }, ['u32[2]', 'i32[3]'], /do not fit a noise/],
  ['noise', { site: 'a', shape: [2], distribution: { kind: 'uniform' } }, ['u32[2]', 'i32[2,1]'], /do not fit a noise/],
];

describe('refusals', () => {
  it.each(REFUSALS)('%s %j of %j', (op, attrs, inputs, message) => {
    const attempt = (): unknown => inferTypes(op, attrs, inputs.map(parseType));
    expect(attempt).toThrow(ShapeError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(new RegExp(`^${op}: `));
    try {
      attempt();
    } catch (error) {
      expect((error as ShapeError).fix).toMatch(/\.$/);
    }
  });

  it.each(OP_NAMES)('%s refuses too many and too few inputs', (op) => {
    const [least, most] = ruleOf(op).arity;
    const { attrs } = ruleOf(op).cases[0]!;
    const give = (n: number): unknown =>
      inferTypes(
        op,
        attrs,
        Array.from({ length: n }, () => parseType('f32[2]')),
      );
    if (least > 0) expect(() => give(least - 1)).toThrow(/takes/);
    if (most < 9) expect(() => give(most + 1)).toThrow(/takes/);
  });

  it('two packings do not mix, and the error names both', () => {
    const rows = (name: string) => ({ dtype: 'f32' as const, shape: [symbol(name), 4] });
    expect(() => inferTypes('add', {}, [rows('N.train'), rows('N.eval')])).toThrow(/N\.train against N\.eval/);
    const index = { dtype: 'i32' as const, shape: [symbol('N.eval')] };
    const attrs = { batch: symbol('B'), length: symbol('T') };
    expect(() => inferTypes('unpack', attrs, [rows('N.train'), index])).toThrow(
      /N\.train.*N\.eval.*different packings/,
    );
  });
});
