/** Unfolding the workflow and the content addresses of its steps: what changes a key, and what must not. */
import { describe, expect, it } from 'vitest';
import { contentHash } from '../../../engine/base/canonical.ts';
import { BugError } from '../../../engine/base/errors.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { setParamText } from '../../../engine/protocol/edit.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { workflowStepKey, workflowStepKeys } from '../../../engine/protocol/stepKey.ts';
import { unfoldWorkflow } from '../../../engine/protocol/steps.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { build, node, plain, stack, wires, type Literal } from './build.ts';
import { generateDocument, knows } from './generate.ts';

const options = { hash: contentHash };
const keys = (document: Document) => workflowStepKeys(document, options);

/** Sources are trained one by one and go into a bank of the second model; the first model has no bank. */
const literal = {
  workflow: {
    nodes: {
      data: { type: 'plain', version: 1, params: { file: 'target.tsv' } },
      each: {
        type: 'for-each',
        version: 1,
        items: [
          { name: 'mnli', set: { in: { file: 'mnli.tsv' } } },
          { name: 'qqp', set: { in: { file: 'qqp.tsv' } } },
          { name: 'off', mute: true },
        ],
        body: {
          nodes: plain('in', 'fit'),
          edges: wires('in.out -> fit.data', '$in.model -> fit.model', 'fit.adapter -> $out.adapter'),
        },
      },
      source: node({ model: 'plainModel' }),
      target: node({ model: 'fusionModel' }),
      train: node({ params: { epochs: 3 } }),
      report: node(),
    },
    edges: wires(
      'source.out -> each.model',
      'data.out -> train.data',
      'target.out -> train.model',
      'each.adapter -> report.adapters',
      'train.metrics -> report.metrics',
    ),
  },
  models: {
    plainModel: { nodes: { s: stack(0, 6, {}, { type: 'lora', recipe: 'r' }) } },
    fusionModel: {
      nodes: { f: node({ bank: 'b', title: 'Fusion' }), a: node(), g: node() },
      edges: wires('f.out -> g.in #1', 'a.out -> g.in #0', 'a.out -> f.in'),
    },
  },
  recipes: { r: { type: 'lora', version: 1, params: { r: 8 } } },
  banks: {
    b: {
      sources: [
        { name: 'one', artifact: { step: 'each', item: 'mnli', output: 'adapter' } },
        { name: 'two', artifact: { asset: 'adapters/two' } },
      ],
    },
  },
  view: { a: [1, 2] },
};
const SAMPLE = build(literal);

describe('unfolding', () => {
  const steps = unfoldWorkflow(SAMPLE);
  const step = (id: string) => steps.find((s) => s.id === id);

  it('makes one copy of a body per item that is not muted, in an order that can be run', () => {
    expect(checkStructure(SAMPLE)).toEqual([]);
    expect(steps.map((s) => s.id).sort()).toEqual(
      [
        'data',
        'each[mnli]/fit',
        'each[mnli]/in',
        'each[qqp]/fit',
        'each[qqp]/in',
        'report',
        'source',
        'target',
        'train',
      ].sort(),
    );
    const place = new Map(steps.map((s, i) => [s.id, i]));
    for (const s of steps) {
      for (const input of [...s.inputs, ...s.banks])
        expect(place.get(input.from.step)).toBeLessThan(place.get(s.id) ?? -1);
    }
  });
  it('gives each copy what its item sets', () => {
    expect(step('each[qqp]/in')).toMatchObject({ node: 'in', items: ['qqp'], step: { params: { file: 'qqp.tsv' } } });
  });
  it('leads wires through the walls', () => {
    expect(step('each[qqp]/fit')?.inputs).toEqual([
      { port: 'data', from: { step: 'each[qqp]/in', port: 'out' } },
      { port: 'model', from: { step: 'source', port: 'out' } },
    ]);
    expect(step('report')?.inputs).toEqual([
      { port: 'adapters', from: { step: 'each[mnli]/fit', port: 'adapter' } },
      { port: 'adapters', from: { step: 'each[qqp]/fit', port: 'adapter' } },
      { port: 'metrics', from: { step: 'train', port: 'metrics' } },
    ]);
  });
  it('shows what reaches a model through its bank', () => {
    expect(step('target')?.banks).toEqual([
      { bank: 'b', source: 'one', from: { step: 'each[mnli]/fit', port: 'adapter' } },
    ]);
    expect(step('source')?.banks).toEqual([]);
  });
  it('is a bug of the caller when the structure is broken', () => {
    const cyclic = build({ workflow: { nodes: plain('a', 'b'), edges: wires('a.o -> b.i', 'b.o -> a.i') } });
    expect(() => unfoldWorkflow(cyclic)).toThrow(BugError);
    expect(() => unfoldWorkflow(build({ workflow: { nodes: plain('a'), edges: wires('g.o -> a.i') } }))).toThrow(
      BugError,
    );
  });
  it('goes through for-each steps inside each other', () => {
    const items = [{ name: 'a' }, { name: 'b' }];
    const inner = {
      type: 'for-each',
      version: 1,
      items,
      body: { nodes: plain('t'), edges: wires('$in.y -> t.in', 't.out -> $out.z') },
    };
    const outer = {
      type: 'for-each',
      version: 1,
      items,
      body: { nodes: { i: inner }, edges: wires('$in.x -> i.y', 'i.z -> $out.w') },
    };
    const document = build({
      workflow: { nodes: { ...plain('d', 'u'), o: outer }, edges: wires('d.out -> o.x', 'o.w -> u.in') },
    });
    expect(checkStructure(document)).toEqual([]);
    const found = unfoldWorkflow(document);
    expect(found.find((s) => s.id === 'o[b]/i[a]/t')?.inputs).toEqual([
      { port: 'in', from: { step: 'd', port: 'out' } },
    ]);
    expect(found.at(-1)?.inputs.map((i) => i.from.step)).toEqual([
      'o[a]/i[a]/t',
      'o[a]/i[b]/t',
      'o[b]/i[a]/t',
      'o[b]/i[b]/t',
    ]);
  });
});

/** The steps whose key differs between two documents. */
function changed(before: Document, after: Document): readonly string[] {
  const a = keys(before);
  const b = keys(after);
  return [...new Set([...a.keys(), ...b.keys()])].filter((id) => a.get(id) !== b.get(id)).sort();
}
const changedBy = (edit: (copy: typeof literal) => void): readonly string[] => {
  const copy = structuredClone(literal);
  edit(copy);
  return changed(SAMPLE, build(copy));
};
const behindSource = ['each[mnli]/fit', 'each[qqp]/fit', 'report', 'source', 'target', 'train'];

describe('keys of steps', () => {
  it('change for a step and what follows it', () => {
    const edited = setParamText(SAMPLE, 'train.epochs=4');
    expect(changed(SAMPLE, edited.ok ? edited.value : SAMPLE)).toEqual(['report', 'train']);
    expect(changedBy((d) => (d.workflow.nodes.data.params.file = 'other.tsv'))).toEqual(['data', 'report', 'train']);
  });
  it('change for one item of a for-each step, and through the bank for its users', () => {
    expect(changedBy((d) => (d.workflow.nodes.each.items[1] = { name: 'qqp', set: { in: { file: 'x' } } }))).toEqual([
      'each[qqp]/fit',
      'each[qqp]/in',
      'report',
    ]);
    expect(changedBy((d) => (d.workflow.nodes.each.items[0] = { name: 'mnli', set: { in: { file: 'x' } } }))).toEqual([
      'each[mnli]/fit',
      'each[mnli]/in',
      'report',
      'target',
      'train',
    ]);
  });
  it('change with a model, its recipes and its banks', () => {
    expect(changedBy((d) => (d.recipes.r.params.r = 4))).toEqual(behindSource);
    expect(changedBy((d) => (d.models.plainModel.nodes.s = stack(0, 5, {}, { type: 'lora', recipe: 'r' })))).toEqual(
      behindSource,
    );
    expect(changedBy((d) => d.banks.b.sources.reverse())).toEqual(['report', 'target', 'train']);
    expect(changedBy((d) => d.models.fusionModel.edges.pop())).toEqual(['report', 'target', 'train']);
  });
  it('change with the order of wires into one port', () => {
    expect(
      changedBy((d) => (d.models.fusionModel.edges = wires('f.out -> g.in #0', 'a.out -> g.in #1', 'a.out -> f.in'))),
    ).toEqual(['report', 'target', 'train']);
  });
  it('do not change with words, the view, or wires in another order of the list', () => {
    expect(
      changedBy((d) => {
        d.view.a = [];
        Object.assign(d, { title: 'other', notes: 'x' });
        Object.assign(d.workflow.nodes.train, { title: 'Training', notes: 'x' });
        Object.assign(d.models.fusionModel.nodes.f, { title: 'Other', notes: 'x' });
        Object.assign(d.recipes.r, { title: 'Recipe' });
        d.models.fusionModel.edges.reverse();
        d.workflow.edges.reverse();
      }),
    ).toEqual([]);
  });
  it('do not change when a step, a recipe or a bank is called otherwise', () => {
    const renamed = JSON.parse(
      JSON.stringify(literal)
        .replaceAll('"train"', '"fit2"')
        .replaceAll('"r":{', '"z":{')
        .replaceAll('"recipe":"r"', '"recipe":"z"'),
    ) as Literal;
    expect(workflowStepKey(build(renamed), 'fit2', options)).toBe(workflowStepKey(SAMPLE, 'train', options));
  });
  it('do not change when a node is cut loose from its recipe', () => {
    expect(
      changedBy((d) => (d.models.plainModel.nodes.s = stack(0, 6, {}, { type: 'lora', params: { r: 8 } }))),
    ).toEqual([]);
  });
  it('of a for-each step are made of those of its copies', () => {
    const key = (file: string) => {
      const edited = setParamText(SAMPLE, `workflow:each/in.file=${file}`);
      return workflowStepKey(edited.ok ? edited.value : SAMPLE, 'each', options);
    };
    expect(key('a')).toBe(key('b'));
    expect(workflowStepKey(SAMPLE, 'each', options)).not.toBe(
      workflowStepKey(
        build({
          ...literal,
          recipes: {
            r: { type: 'lora', version: 1, params: { r: 4 } },
          },
        }),
        'each',
        options,
      ),
    );
    expect(() => workflowStepKey(SAMPLE, 'ghost', options)).toThrow(BugError);
  });
  it('take in what a step reads from outside', () => {
    const external = (file: string) =>
      workflowStepKeys(SAMPLE, { ...options, external: (s) => (s.id === 'data' ? file : undefined) });
    const [a, b] = [external('hash 1'), external('hash 2')];
    expect([...a.keys()].filter((id) => a.get(id) !== b.get(id)).sort()).toEqual(['data', 'report', 'train']);
  });
  it('take in the texts of unknown nodes', () => {
    const alien = (x: number) => build({ workflow: { nodes: { a: { type: 'alien.node', x } } } });
    expect(changed(alien(1), alien(2))).toEqual(['a']);
  });
  it('of generated documents survive printing', () => {
    for (let seed = 0; seed < 100; seed++) {
      const document = generateDocument(seed);
      const again = parseDocument(printDocument(document), 'f', { knows }).document ?? document;
      expect(new Map(keys(again))).toEqual(keys(document));
    }
  });
  it('of a chain of ten thousand steps are found without recursion', () => {
    const ids = Array.from({ length: 9999 }, (_, i) => `s${i}`);
    const edges = wires(...ids.slice(1).map((id, i) => `s${i}.out -> ${id}.in`));
    const document = build({ workflow: { nodes: plain(...ids), edges } });
    expect(checkStructure(document)).toEqual([]);
    expect(new Set(keys(document).values()).size).toBe(9999);
  });
});
