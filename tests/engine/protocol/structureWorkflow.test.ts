/** Structure checks of the workflow: for-each steps, source banks, recursion. */
import { describe, expect, it } from 'vitest';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { build, node, placed, plain, wires, type Literal } from './build.ts';

const findings = (parts: Literal) => placed(checkStructure(build(parts)));
const item = (name: string, more: Literal = {}) => ({ name, ...more });

/** A for-each step `each` that takes `seed` and gives `adapter`, with a data step before it and one user behind. */
function forEach(
  items: readonly unknown[],
  more: readonly string[] = [],
  outer: readonly string[] = ['data.out -> each.seed'],
) {
  const body = {
    nodes: plain('in', 'fit'),
    edges: wires('in.out -> fit.data', '$in.seed -> fit.seed', 'fit.adapter -> $out.adapter', ...more),
  };
  const each = { type: 'for-each', version: 1, items, body };
  return { nodes: { ...plain('data', 'use'), each }, edges: wires(...outer) };
}

describe('for-each steps', () => {
  it('are sound', () => {
    const set = { in: { file: 'mnli.tsv' } };
    const outer = ['data.out -> each.seed', 'each.adapter -> use.sources'];
    expect(findings({ workflow: forEach([item('mnli', { set }), item('qqp')], [], outer) })).toEqual([]);
  });
  it.each<[string, Literal, readonly string[]]>([
    ['items of one name', forEach([item('a'), item('a')]), ['item-duplicate node=each']],
    [
      'an item for a step that is not there',
      forEach([item('a', { set: { ghost: {} } })]),
      ['item-node-missing node=each'],
    ],
    ['a wall port that nothing feeds', forEach([item('a')], [], []), ['wall-port-unfed node=each port=seed']],
    [
      'an output that the body does not make',
      forEach([item('a')], [], ['data.out -> each.seed', 'each.model -> use.in']),
      ['wall-port-unwired node=each port=model'],
    ],
    [
      'two values for one output',
      forEach([item('a')], ['fit.other -> $out.adapter']),
      ['wall-port-many node=each port=adapter'],
    ],
    ['an input handed straight out', forEach([item('a')], ['$in.seed -> $out.same']), ['wall-passthrough node=each']],
  ])('%s', (_name, workflow, expected) => {
    expect(findings({ workflow })).toEqual(expected);
  });
  it('inside each other may not ask for a million steps', () => {
    const items = Array.from({ length: 30 }, (_, i) => item(`i${i}`));
    let body: Literal = { nodes: plain('t') };
    for (let i = 0; i < 3; i++) body = { nodes: { e: { type: 'for-each', version: 1, items, body } } };
    expect(findings({ workflow: body })).toEqual(['workflow-too-large']);
  });
});

describe('source banks', () => {
  const banks = (...artifacts: readonly Literal[]) => ({
    b: { sources: artifacts.map((artifact, i) => ({ name: `s${i}`, artifact })) },
  });
  const models = { main: { nodes: { fusion: node({ bank: 'b' }) } } };
  const workflow = forEach([item('mnli'), item('qqp', { mute: true })]);

  it.each<[string, Literal, readonly string[]]>([
    ['a file', { asset: 'adapters/x' }, []],
    ['stored content', { hash: 'ab'.repeat(32) }, []],
    ['a step', { step: 'use', output: 'adapter' }, []],
    ['a step that is not there', { step: 'ghost' }, ['step-missing']],
    ['an item', { step: 'each', item: 'mnli', output: 'adapter' }, []],
    ['an item with its only output', { step: 'each', item: 'mnli' }, []],
    ['no item of a for-each step', { step: 'each' }, ['step-item node=each']],
    ['an item that is not there', { step: 'each', item: 'ghost' }, ['step-item node=each']],
    ['a muted item', { step: 'each', item: 'qqp' }, ['step-item node=each']],
    ['an output that is not there', { step: 'each', item: 'mnli', output: 'model' }, ['step-item node=each']],
    ['an item of a plain step', { step: 'use', item: 'mnli' }, ['step-item node=use']],
    ['a promoted port that is not there', { promoted: 'row' }, ['promoted-missing']],
  ])('take %s', (_name, artifact, expected) => {
    expect(findings({ workflow, models, banks: banks(artifact) })).toEqual(expected);
  });
  it('take what arrives at a promoted port of a model that uses them', () => {
    const promoted = [{ name: 'row', node: 'fusion', port: 's0', kind: 'adapter' }];
    expect(findings({ models: { main: { ...models.main, promoted } }, banks: banks({ promoted: 'row' }) })).toEqual([]);
  });
  it('have sources with names of their own', () => {
    const sources = [
      { name: 's', artifact: { asset: 'x' } },
      { name: 's', artifact: { asset: 'y' } },
    ];
    expect(findings({ models, banks: { b: { sources } } })).toEqual(['bank-source-duplicate']);
  });

  it('may not need what is made from them', () => {
    const steps = {
      nodes: { model: node({ model: 'main' }), train: node() },
      edges: wires('model.out -> train.model'),
    };
    const recursive = { workflow: steps, models, banks: banks({ step: 'train' }) };
    expect(checkStructure(build(recursive))).toMatchObject([
      {
        code: 'workflow-recursion',
        found: expect.stringMatching(/^(model -> train -> model|train -> model -> train)$/) as string,
      },
    ]);
    expect(findings({ ...recursive, banks: banks({ step: 'model' }) })).toEqual(['workflow-recursion node=model']);
  });
  it('may not need the for-each step whose body uses them', () => {
    const body = { nodes: { model: node({ model: 'main' }) }, edges: wires('model.out -> $out.adapter') };
    const each = { type: 'for-each', version: 1, items: [item('a')], body };
    const parts = { workflow: { nodes: { each } }, models, banks: banks({ step: 'each', item: 'a' }) };
    expect(findings(parts)).toEqual(['workflow-recursion node=each']);
  });
  it('used twice in a row are no recursion', () => {
    const steps = {
      nodes: { data: node(), first: node(), model: node({ model: 'main' }), second: node() },
      edges: wires('data.out -> first.data', 'data.out -> second.data', 'model.out -> second.model'),
    };
    expect(findings({ workflow: steps, models, banks: banks({ step: 'first', output: 'adapter' }) })).toEqual([]);
  });
  it('leave cycles of wires to the wires', () => {
    const steps = { nodes: plain('a', 'b'), edges: wires('a.o -> b.i', 'b.o -> a.i') };
    expect(findings({ workflow: steps })).toEqual(['graph-cycle node=a']);
  });
});
