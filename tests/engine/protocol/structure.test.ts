/** The structure checks: each code once with its place, and what must not be reported. */
import { describe, expect, it } from 'vitest';
import type { Document } from '../../../engine/protocol/document.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { findCycles } from '../../../engine/protocol/structure/cycles.ts';
import { build, model, node, placed, plain, stack, wires, type Literal } from './build.ts';
import { seeded } from './generate.ts';

const findings = (document: Document) => placed(checkStructure(document));
const only = (document: Document) => {
  const [first, ...more] = checkStructure(document);
  expect(more).toEqual([]);
  return first;
};
/** A body whose wires are given. */
const body = (ids: readonly string[], ...texts: readonly string[]) => ({
  nodes: plain(...ids),
  edges: wires(...texts),
});

describe('wires', () => {
  it.each([
    ['from nowhere', ['ghost.out -> a.in'], ['edge-dangling model=main node=a port=in']],
    ['to nowhere', ['a.out -> ghost.in'], ['edge-dangling model=main node=ghost port=in']],
    [
      'between two ghosts',
      ['g.out -> h.in'],
      ['edge-dangling model=main node=h port=in', 'edge-dangling model=main node=h port=in'],
    ],
    ['to an inherited name', ['a.out -> toString.in'], ['edge-dangling model=main node=toString port=in']],
    ['twice', ['a.out -> b.in', 'a.out -> b.in #1'], ['edge-duplicate model=main node=b port=in']],
    ['to itself', ['a.out -> a.in'], ['edge-self model=main node=a port=in']],
    ['of one order', ['a.out -> b.in #1', 'c.out -> b.in #1'], ['edge-order-duplicate model=main node=b port=in']],
    ['through a wall that is not there', ['$in.x -> a.in'], ['wall-outside-body model=main node=a port=in']],
  ])('%s', (_name, texts, expected) => {
    expect(findings(model(plain('a', 'b', 'c'), wires(...texts)))).toEqual(expected);
  });
  it('of several to one port are sound', () => {
    expect(
      findings(model(plain('a', 'b', 'c'), wires('a.out -> c.in #1', 'b.out -> c.in #0', 'a.other -> c.in'))),
    ).toEqual([]);
  });
  it('carry the file into the place', () => {
    expect(checkStructure(model(plain('a'), wires('a.o -> a.i')), 'x.json')[0]?.where.file).toBe('x.json');
  });
});

describe('cycles', () => {
  it('are shown, one for each knot', () => {
    const found = checkStructure(
      model(
        plain('a', 'b', 'c', 'd', 'e'),
        wires('a.o -> b.i', 'b.o -> c.i', 'c.o -> a.i', 'd.o -> e.i', 'e.o -> d.i'),
      ),
    );
    expect(found.map((d) => d.found).sort()).toEqual(['a -> b -> c -> a', 'd -> e -> d']);
  });
  it('through a stack are found outside, and its carry is none', () => {
    const s = { s: stack(0, 2), a: node() };
    expect(findings(model(s, wires('s.x -> a.in', 'a.out -> s.x')))).toEqual(['graph-cycle model=main node=s']);
    expect(findings(model(s, wires('s.x -> a.in')))).toEqual([]);
  });
  it('inside a body are found with the place of the body', () => {
    const inner = body(['q', 'r'], '$in.x -> q.in', 'q.out -> r.in', 'r.out -> q.other', 'r.out -> $out.x');
    expect(findings(model({ s: stack(0, 2, { body: inner }) }))).toEqual(['graph-cycle model=main node=s/q']);
  });
  it('of a hundred thousand nodes are found without recursion, and shown short', () => {
    const n = 100_000;
    const successors = (i: number): readonly number[] => (i + 1 < n ? [i + 1] : [0]);
    const nodes = Array.from({ length: n }, (_, i) => i);
    expect(findCycles(nodes, successors).map((c) => c.length)).toEqual([n]);
    expect(findCycles(nodes, (i) => (i + 1 < n ? [i + 1] : []))).toEqual([]);
  });
  it('agree with a plain search on small random graphs', () => {
    const r = seeded(11);
    for (let run = 0; run < 300; run++) {
      const n = r.int(6) + 1;
      const arcs = Array.from({ length: n }, () => Array.from({ length: n }, (_, j) => j).filter(() => r.chance(0.25)));
      const next = (i: number): readonly number[] => arcs[i] ?? [];
      const cycles = findCycles(arcs.keys(), next, true);
      const reaches = (from: number): Set<number> => {
        const seen = new Set<number>(next(from));
        for (const i of seen) for (const j of next(i)) seen.add(j);
        return seen;
      };
      const onCycle = [...arcs.keys()].filter((i) => reaches(i).has(i));
      expect(cycles.length > 0).toBe(onCycle.length > 0);
      for (const cycle of cycles) {
        cycle.forEach((i, k) => expect(next(i)).toContain(cycle[(k + 1) % cycle.length]));
      }
      // Every node on a cycle lies in the component of exactly one reported cycle.
      for (const i of onCycle) {
        const home = cycles.filter((c) => c.some((j) => j === i || (reaches(i).has(j) && reaches(j).has(i))));
        expect(home).toHaveLength(1);
      }
    }
  });
});

describe('walls of stacks', () => {
  const settings = { carry: ['x'], broadcast: ['mask'], collect: ['hidden'] };
  const walled = (...texts: readonly string[]) =>
    model({ s: stack(0, 2, { body: body(['q'], ...texts) }, {}, settings) });
  const sound = ['$in.x -> q.in', '$in.mask -> q.mask', 'q.out -> $out.x', 'q.out -> $out.hidden'];

  it.each([
    ['sound', sound, []],
    ['a port that enters nowhere', [...sound, '$in.hidden -> q.h'], ['wall-port-unknown model=main node=s']],
    ['a port that leaves nowhere', [...sound, 'q.m -> $out.mask'], ['wall-port-unknown model=main node=s']],
    [
      'no value for a carry port',
      sound.filter((t) => !t.endsWith('$out.x')),
      ['wall-port-unwired model=main node=s port=x'],
    ],
    ['no value for a collect port', sound.slice(0, 3), ['wall-port-unwired model=main node=s port=hidden']],
    ['two values for one port', [...sound, 'q.more -> $out.x'], ['wall-port-many model=main node=s port=x']],
    ['a wire into $in', [...sound, 'q.out -> $in.x'], ['wall-direction model=main node=s/q port=out']],
    ['a wire out of $out', [...sound, '$out.x -> q.z'], ['wall-direction model=main node=s/q port=z']],
    ['a stream handed straight through', ['$in.x -> $out.x', ...sound.slice(0, 2), sound[3] ?? ''], []],
  ])('%s', (_name, texts, expected) => {
    expect(findings(walled(...texts))).toEqual(expected);
  });

  it('have the ports that the stack declares, seen from outside', () => {
    const s = { s: stack(0, 2), a: node(), b: node() };
    expect(findings(model(s, wires('a.out -> s.mask', 's.hidden -> b.in')))).toEqual([
      'stack-port-unknown model=main node=s port=mask',
      'stack-port-unknown model=main node=b port=in',
    ]);
    expect(findings(model({ s: stack(0, 2, {}, {}, { broadcast: ['x'] }) }))).toEqual([
      'stack-port-duplicate model=main node=s port=x',
    ]);
  });
  it('let promoted ports of the body through', () => {
    const promoted = [{ name: 'row', node: 'q', port: 'source', kind: 'adapter' }];
    const s = { ...stack(0, 2), body: { nodes: plain('q'), edges: wires('q.out -> $out.x'), promoted } };
    expect(findings(model({ s, a: node() }, wires('a.out -> s.row')))).toEqual([]);
    const taken = { ...s, body: { ...s.body, promoted: [{ name: 'x', node: 'q', port: 'source', kind: 'adapter' }] } };
    expect(findings(model({ s: taken }))).toEqual(['promoted-duplicate model=main node=s port=x']);
  });
});

describe('containers', () => {
  it('of a model have both settings and a body', () => {
    const { stack: settings, body: inner, ...bare } = stack(0, 1);
    expect(findings(model({ s: { ...bare, body: inner } }))).toEqual(['body-without-container model=main node=s']);
    expect(findings(model({ s: { ...bare, stack: settings } }))).toEqual(['container-without-body model=main node=s']);
  });
  it('of a workflow have both items and a body', () => {
    const each = { type: 'for-each', version: 1 };
    const inner = { nodes: plain('t') };
    expect(findings(build({ workflow: { nodes: { e: { ...each, body: inner } } } }))).toEqual([
      'body-without-container node=e',
    ]);
    expect(findings(build({ workflow: { nodes: { e: { ...each, items: [] } } } }))).toEqual([
      'container-without-body node=e',
    ]);
  });
});

describe('layers', () => {
  const inStack = (q: Literal, rest: Literal = {}) => findings(model({ s: stack(2, 4, {}, q) }, [], rest));

  it.each([
    ['a selection', { layers: '2-3,-1' }, []],
    ['a selection outside the stack', { layers: '0-3' }, ['layers-out-of-range model=main node=s/q']],
    ['a mute outside the stack', { mute: '6' }, ['layers-out-of-range model=main node=s/q']],
    ['an override', { params: { r: { all: 8, at: { '4-5': 16, '2': 4 } } } }, []],
    [
      'an override outside',
      { params: { r: { all: 8, at: { '6': 16 } } } },
      ['layers-out-of-range model=main node=s/q param=r'],
    ],
    [
      'overrides that meet',
      { params: { r: { all: 8, at: { '4-5': 16, '-1': 4, '2': 1 } } } },
      ['override-overlap model=main node=s/q param=r'],
    ],
  ])('%s', (_name, q, expected) => {
    expect(inStack(q)).toEqual(expected);
  });
  it('outside a stack are refused, except for all', () => {
    const found = findings(
      model({
        a: node({ layers: '0' }),
        b: node({ mute: '1' }),
        c: node({ params: { r: { all: 1, at: { '0': 2 } } } }),
        d: node({ layers: 'all', mute: true }),
      }),
    );
    expect(found).toEqual([
      'layers-outside-stack model=main node=a',
      'layers-outside-stack model=main node=b',
      'layers-outside-stack model=main node=c param=r',
    ]);
  });
  it('of a recipe or bank may miss some stacks but not all', () => {
    const uses = (at: string) => ({
      recipes: { r: { type: 'plain', version: 1, params: { k: { all: 1, at: { [at]: 2 } } } } },
    });
    const nodes = { s: stack(0, 4, {}, { recipe: 'r' }), t: stack(0, 12, {}, { recipe: 'r' }) };
    expect(findings(model(nodes, [], uses('8-11')))).toEqual([]);
    expect(findings(model(nodes, [], uses('12')))).toEqual(['layers-out-of-range param=k']);
    expect(findings(model({ a: node({ recipe: 'r' }) }, [], uses('1')))).toEqual(['layers-outside-stack param=k']);
    const banks = (layers: string) => ({
      banks: { b: { sources: [{ name: 'one', artifact: { asset: 'x' }, layers }] } },
    });
    expect(inStack({ bank: 'b' }, banks('2'))).toEqual([]);
    expect(inStack({ bank: 'b' }, banks('0'))).toEqual(['layers-out-of-range']);
  });
  it('of overlapping overrides in a recipe are reported once', () => {
    const recipes = { r: { type: 'plain', version: 1, params: { k: { all: 1, at: { '2-3': 2, '3,5': 4 } } } } };
    expect(only(model({ s: stack(2, 4, {}, { recipe: 'r' }) }, [], { recipes }))?.found).toBe('"2-3" and "3,5"');
  });
  it('of two stacks of one name may not meet', () => {
    const part = (first: number, repeat: number) => stack(first, repeat, {}, {}, { name: 'encoder' });
    expect(findings(model({ a: part(0, 4), b: part(4, 4) }))).toEqual([]);
    expect(findings(model({ a: part(0, 5), b: part(4, 4) }))).toEqual(['stack-parts-overlap model=main node=b']);
    expect(findings(model({ encoder: stack(0, 6), b: part(3, 1) }))).toEqual(['stack-parts-overlap model=main node=b']);
    expect(findings(model({ a: stack(0, 6), b: stack(0, 6) }))).toEqual([]);
  });
});

describe('references', () => {
  const recipes = { r: { type: 'lora', version: 1 } };
  it.each<[string, Literal, Literal, readonly string[]]>([
    ['a recipe', { type: 'lora', recipe: 'r' }, { recipes }, []],
    ['no recipe', { recipe: 'r' }, {}, ['recipe-missing model=main node=a']],
    ['a recipe of another type', { recipe: 'r' }, { recipes }, ['recipe-type model=main node=a']],
    [
      'a recipe of another version',
      { type: 'lora', version: 2, recipe: 'r' },
      { recipes },
      ['recipe-type model=main node=a'],
    ],
    ['no shared set', { shared: 's' }, {}, ['shared-missing model=main node=a']],
    ['an inherited shared set', { shared: 'toString' }, {}, ['shared-missing model=main node=a']],
    ['no bank', { bank: 'b' }, {}, ['bank-missing model=main node=a']],
  ])('%s', (_name, fields, rest, expected) => {
    expect(findings(model({ a: node(fields) }, [], rest))).toEqual(expected);
  });
  it('of one shared set are of one type', () => {
    const shared = { shared: 's' };
    const rest = { sharedSets: { s: {} } };
    expect(findings(model({ a: node(shared), b: node(shared) }, [], rest))).toEqual([]);
    expect(findings(model({ a: node(shared), b: node({ ...shared, version: 2 }) }, [], rest))).toEqual(['shared-type']);
  });
  it('of promoted ports exist and have names of their own', () => {
    const promote = (name: string, id: string) => ({ name, node: id, port: 'in', kind: 'column' });
    const promoted = [promote('one', 'a'), promote('one', 'a'), promote('two', 'ghost')];
    const document = build({ models: { main: { nodes: plain('a'), promoted } } });
    expect(findings(document)).toEqual([
      'promoted-duplicate model=main port=one',
      'promoted-node-missing model=main port=two',
    ]);
  });
  it('of steps to models exist', () => {
    expect(findings(build({ workflow: { nodes: { m: node({ model: 'ghost' }) } } }))).toEqual(['model-missing node=m']);
  });
});
