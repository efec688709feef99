/** The function builder: what it refuses, what it keeps of names, paths and regions, and how passes go on from a function. */
import { describe, expect, it } from 'vitest';
import * as t from '../../../engine/ir/build.ts';
import type { Instr } from '../../../engine/ir/program.ts';
import { tensorType } from '../../../engine/ir/types.ts';
import { ShapeError } from '../../../engine/ops/rule.ts';
import { FnBuilder } from '../../../engine/tracing/builder.ts';

const vector = tensorType('f32', [3]);

/** y = tanh(x) named "act" at `layers/0`, in region 0. */
function sample() {
  const builder = new FnBuilder();
  const x = builder.param('x', 'input', vector);
  builder.setPath('layers/0');
  builder.setRegion(
    builder.addRegion({ region: { kind: 'checkpoint' }, inputs: [x.id], outputs: [], path: 'layers/0' }),
  );
  const y = t.named('act', t.tanh(x));
  return builder.finish('sample', [{ name: 'y', value: y }]);
}

describe('a function under construction', () => {
  it('keeps names, paths and regions as plain data', () => {
    const fn = sample();
    expect(fn.values.get(fn.results[0]!.id)).toEqual({ type: vector, name: 'act', path: 'layers/0' });
    expect(fn.body[0]).toMatchObject({ op: 'tanh', region: 0 });
    expect(fn.regions?.length).toBe(1);
  });

  it('refuses values of another function, in ops, calls, names and results', () => {
    const [a, b] = [new FnBuilder(), new FnBuilder()];
    const x = a.param('x', 'input', vector);
    const y = b.param('y', 'input', vector);
    expect(() => t.add(x, y)).toThrow(/belongs to another function/);
    expect(() => a.name(y, 'z')).toThrow(/belongs to another function/);
    expect(() => a.finish('f', [{ name: 'y', value: y }])).toThrow(/belongs to another function/);
    expect(() => a.call(sample(), 's', [y], { kind: 'plain' })).toThrow(/belongs to another function/);
  });

  it('refuses two parameters of one name, and arguments that do not fit', () => {
    const builder = new FnBuilder();
    const x = builder.param('x', 'input', vector);
    const counts = builder.param('n', 'input', tensorType('i32', [3]));
    expect(() => builder.param('x', 'weight', vector)).toThrow(/two parameters are named "x"/);
    expect(() => builder.call(sample(), 's', [], { kind: 'plain' })).toThrow(/sample takes 1 inputs, got 0/);
    expect(() => builder.call(sample(), 's', [counts], { kind: 'plain' })).toThrow(/takes f32\[3\], got i32\[3\]/);
    expect(() => t.add(x, counts)).toThrow(ShapeError);
    expect(builder.existingParam('x')).toEqual(x);
    expect(builder.existingParam('y')).toBeUndefined();
  });
});

describe('a builder that goes on from a function', () => {
  it('appends under new ids, and leaves the function as it was', () => {
    const fn = sample();
    const builder = FnBuilder.continuing(fn);
    const y = builder.tensor(fn.results[0]!.id);
    const z = t.neg(y);
    const next = builder.finish('next', [{ name: 'z', value: z }]);
    expect(next.body.slice(0, 1)).toEqual(fn.body);
    expect(fn.values.has(z.id)).toBe(false);
    expect(builder.definition(z.id)).toMatchObject({ op: 'neg' });
    expect(builder.definition(fn.params[0]!.id)).toBeUndefined();
  });

  it('rewrites: keeps what it is told to, under the old ids, and forgets the types of the rest', () => {
    const fn = sample();
    const builder = FnBuilder.rewriting(fn);
    expect(builder.size).toBe(0);
    builder.keep(fn.body[0]!);
    expect(builder.finish('sample', [{ name: 'y', value: builder.tensor(fn.results[0]!.id) }])).toEqual(fn);
    const empty = FnBuilder.rewriting(fn).finish('sample', []);
    expect([...empty.values.keys()]).toEqual([fn.params[0]!.id]);
  });

  it('copies ops and calls into the current region, and refuses stacks', () => {
    const fn = sample();
    const builder = FnBuilder.rewriting(fn);
    const x = builder.tensor(fn.params[0]!.id);
    builder.setRegion(undefined);
    builder.append(fn.body[0]!, [{ type: vector, path: 'again' }], [x]);
    builder.setRegion(0);
    const call: Instr = {
      kind: 'call',
      fn: 'f',
      site: 's',
      region: { kind: 'customVjp', vjp: 'g' },
      inputs: [],
      outputs: [],
    };
    builder.append(call, [{ type: vector }], [x]);
    const { body } = builder.finish('copy', []);
    expect(body[0]).not.toHaveProperty('region');
    expect(body[1]).toMatchObject({ region: { kind: 'customVjp', vjp: 'g' }, within: 0 });
    const stack = { kind: 'repeat' } as Instr;
    expect(() => builder.append(stack, [], [])).toThrow(/repeat is expanded/);
  });
});
