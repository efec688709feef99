/** Splitting, unrolling and joining stacks: numbers, names and the values of every layer stay. */
import { describe, expect, it } from 'vitest';
import { stackName, type Document, type Edge } from '../../../engine/protocol/document.ts';
import {
  graphAt,
  inModel,
  joinStacks,
  splitStack,
  unrollStack,
  type EditResult,
} from '../../../engine/protocol/edit.ts';
import { entriesOf, modelId, nodeId, portId } from '../../../engine/protocol/ids.ts';
import { valueAt } from '../../../engine/protocol/params.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { resolveLayers } from '../../../engine/protocol/selection.ts';
import { checkStructure } from '../../../engine/protocol/structure.ts';
import { edgeWords, modelGraphs } from '../../../engine/protocol/walk.ts';
import { codes, model, node, stack, wires, type Literal } from './build.ts';
import { generateDocument, knows } from './generate.ts';

const MAIN = inModel(modelId('main'));
const S = { graph: MAIN, node: nodeId('s') };
const CONCAT = { type: 'concat', version: 1, input: portId('in'), output: portId('out') };

function done(result: EditResult): Document {
  if (!result.ok) throw new Error(result.error.map((d) => `${d.code}: ${d.message}`).join('\n'));
  expect(checkStructure(result.value)).toEqual([]);
  expect(parseDocument(printDocument(result.value), 'f', { knows }).document).toEqual(result.value);
  return result.value;
}
const refused = (result: EditResult) => (result.ok ? [] : codes(result.error));
const edgeTexts = (edges: readonly Edge[] = []) =>
  edges.map((e) => edgeWords(e) + (e.order === undefined ? '' : ` #${e.order}`));
const stacks = (document: Document) =>
  entriesOf(graphAt(document, MAIN)?.nodes ?? {}).flatMap(([id, n]) =>
    n.stack === undefined ? [] : [`${id} ${n.stack.first}+${n.stack.repeat} ${stackName(id, n.stack)}`],
  );

const q: Literal = {
  layers: '2..',
  mute: '-3..',
  params: { r: { all: 8, at: { '0,4-5': 16 } }, alpha: 1, list: ['a'] },
};
const settings = { broadcast: ['mask'], collect: ['hidden'] };
const inner = {
  nodes: { q: node(q) },
  edges: wires('$in.x -> q.in', '$in.mask -> q.m', 'q.out -> $out.x', 'q.h -> $out.hidden'),
};
const SAMPLE = model(
  { a: node(), s: stack(0, 6, { body: inner }, {}, settings), b: node() },
  wires('a.out -> s.x', 'a.mask -> s.mask', 's.x -> b.in'),
);

describe('a split', () => {
  const split = done(splitStack(SAMPLE, S, 4));

  it('keeps layer numbers and the name of the stack', () => {
    expect(stacks(split)).toEqual(['s 0+4 s', 's_4 4+2 s']);
    expect(Object.keys(graphAt(split, MAIN)?.nodes ?? {})).toEqual(['a', 's', 's_4', 'b']);
  });
  it('wires carry in a row and broadcast to both', () => {
    expect(edgeTexts(graphAt(split, MAIN)?.edges)).toEqual([
      'a.out -> s.x',
      'a.mask -> s.mask',
      'a.mask -> s_4.mask',
      's_4.x -> b.in',
      's.x -> s_4.x',
    ]);
  });
  it('cuts selections and overrides to each part', () => {
    const part = (id: string) => graphAt(split, inModel(modelId('main'), nodeId(id)))?.nodes[nodeId('q')];
    expect(part('s')).toMatchObject({ layers: '2-3', mute: '3', params: { r: { all: 8, at: { '0': 16 } }, alpha: 1 } });
    expect(part('s_4')).toMatchObject({
      layers: 'all',
      mute: 'all',
      params: { r: { all: 8, at: { '4-5': 16 } }, list: ['a'] },
    });
  });
  it('is undone by a join, up to how layers are written', () => {
    const joined = done(joinStacks(split, MAIN, nodeId('s_4'), nodeId('s')));
    const expected = structuredClone(SAMPLE) as unknown as {
      models: { main: { nodes: { s: { body: { nodes: { q: Literal } } } } } };
    };
    expected.models.main.nodes.s.body.nodes.q = {
      ...expected.models.main.nodes.s.body.nodes.q,
      layers: '2-5',
      mute: '3-5',
    };
    expect(joined).toEqual(expected);
  });
  it.each([0, 6, -1, 2.5, 99])('before layer %d is refused', (layer) => {
    expect(refused(splitStack(SAMPLE, S, layer))).toEqual(['edit-split-layer']);
  });
  it('needs a stack', () => {
    expect(refused(splitStack(SAMPLE, { graph: MAIN, node: nodeId('a') }, 1))).toEqual(['edit-not-stack']);
    expect(refused(unrollStack(SAMPLE, { graph: MAIN, node: nodeId('ghost') }))).toEqual(['edit-node-missing']);
  });
});

describe('collect ports', () => {
  const wired = model(
    { s: stack(0, 6, { body: inner }, {}, settings), b: node(), c: node() },
    wires('s.hidden -> b.in', 's.hidden -> c.in'),
  );
  it('that are wired need a node that joins the pieces', () => {
    expect(refused(splitStack(wired, S, 2))).toEqual(['edit-split-collect']);
    expect(edgeTexts(graphAt(done(splitStack(wired, S, 2, CONCAT)), MAIN)?.edges)).toEqual([
      's_hidden.out -> b.in',
      's_hidden.out -> c.in',
      's.x -> s_2.x',
      's.hidden -> s_hidden.in #0',
      's_2.hidden -> s_hidden.in #1',
    ]);
  });
  it('feed one such node in the order of the layers, however often the stack is split', () => {
    const unrolled = done(unrollStack(wired, S, CONCAT));
    const pieces = edgeTexts(graphAt(unrolled, MAIN)?.edges).filter((t) => t.includes('-> s_hidden.in'));
    expect(pieces).toEqual(
      ['s', 's_1', 's_2', 's_3', 's_4', 's_5'].map((id, i) => `${id}.hidden -> s_hidden.in #${i}`),
    );
  });
  it('are joined again', () => {
    const joined = done(joinStacks(done(splitStack(wired, S, 2, CONCAT)), MAIN, nodeId('s'), nodeId('s_2')));
    expect(edgeTexts(graphAt(joined, MAIN)?.edges)).toEqual([
      's_hidden.out -> b.in',
      's_hidden.out -> c.in',
      's.hidden -> s_hidden.in #0',
    ]);
  });
});

describe('what cannot be split', () => {
  const inStack = (fields: Literal, rest: Literal = {}) => model({ s: stack(0, 6, {}, fields) }, [], rest);
  const recipes = { r: { type: 'plain', version: 1, params: { k: { all: 1, at: { '-2..': 2 } } } } };

  it('holds a node of an unknown type', () => {
    expect(refused(splitStack(inStack({ type: 'alien.node' }), S, 2))).toEqual(['edit-node-kept']);
  });
  it('has layers that are wrong already', () => {
    expect(refused(splitStack(inStack({ layers: '9' }), S, 2))).toEqual(['layers-out-of-range']);
  });
  it('has promoted ports', () => {
    const nodes = { s: stack(0, 6) };
    const promoted = [{ name: 'p', node: 's', port: 'x', kind: 'tensor' }];
    const document = model({}, [], { models: { main: { nodes, promoted } } });
    expect(refused(splitStack(document, S, 2))).toEqual(['edit-split-promoted']);
  });
  it('shares a recipe that counts from the end with other nodes', () => {
    const shared = model({ s: stack(0, 6, {}, { recipe: 'r' }), t: stack(0, 12, {}, { recipe: 'r' }) }, [], {
      recipes,
    });
    expect(refused(splitStack(shared, S, 2))).toEqual(['edit-split-relative']);
  });
  it('is not a stack whose recipe counts from the end for itself alone', () => {
    const split = done(splitStack(inStack({ recipe: 'r' }, { recipes }), S, 5));
    expect(split.recipes).toEqual({ r: { type: 'plain', version: 1, params: { k: { all: 1, at: { '4-5': 2 } } } } });
  });
  it('is not a stack whose bank counts from the end for itself alone', () => {
    const sources = [{ name: 'one', artifact: { asset: 'x' }, layers: '-1' }];
    const split = done(splitStack(inStack({ bank: 'b' }, { banks: { b: { sources } } }), S, 3));
    expect(split.banks).toMatchObject({ b: { sources: [{ layers: '5' }] } });
  });
});

describe('what cannot be joined', () => {
  const parts = (second: Literal, edges = wires('s.x -> t.x'), more: Literal = {}) =>
    model({ a: node(), s: stack(0, 4), t: second, ...more }, edges);
  const t = (q2: Literal = {}, rest: Literal = {}, set: Literal = {}) => stack(4, 2, rest, q2, { name: 's', ...set });
  const join = (document: Document) => {
    const result = joinStacks(document, MAIN, nodeId('s'), nodeId('t'));
    return result.ok ? 'joined' : result.error.map((d) => d.message).join();
  };
  it.each<[string, Document, string]>([
    ['fits', parts(t()), 'joined'],
    ['another name', parts(t({}, {}, { name: 'other' })), 'their names differ ("s" and "other")'],
    ['a gap', parts(t({}, {}, { first: 5 })), 'one ends with layer 3 and the other begins with 5'],
    ['other weights', parts(t({}, {}, { weights: 'shared' })), 'their "weights" settings differ'],
    ['another type inside', parts(t({ type: 'norm' })), 'node "q" differs in more than parameters and layers'],
    ['a parameter in one only', parts(t({ params: { r: 1 } })), 'parameter "r" of node "q" is set in one part only'],
    [
      'another node inside',
      parts(t({}, { body: { nodes: { z: node() }, edges: wires('$in.x -> z.in', 'z.out -> $out.x') } })),
      'only one body has node "q"',
    ],
    [
      'other wires inside',
      parts(t({}, { body: { nodes: { q: node() }, edges: wires('$in.x -> q.other', 'q.out -> $out.x') } })),
      'the wires inside differ',
    ],
    [
      'a node between',
      parts(t(), wires('s.x -> a.in', 'a.out -> t.x')),
      'port "x" of the second part is not fed by the first part alone',
    ],
    [
      'a user of the middle',
      parts(t(), wires('s.x -> t.x', 's.x -> a.in')),
      'port "x" of the first part is used elsewhere too',
    ],
  ])('%s', (_name, document, words) => {
    expect(join(document)).toContain(words);
  });
  it('is no stack', () => {
    expect(refused(joinStacks(SAMPLE, MAIN, nodeId('s'), nodeId('b')))).toEqual(['edit-not-stack']);
    expect(refused(joinStacks(SAMPLE, MAIN, nodeId('s'), nodeId('s')))).toEqual(['edit-join']);
  });
  it('is not a part with other values, which become overrides', () => {
    const document = model(
      { s: stack(0, 4, {}, { params: { r: 8 } }), t: t({ params: { r: 4 } }) },
      wires('s.x -> t.x'),
    );
    const joined = done(joinStacks(document, MAIN, nodeId('s'), nodeId('t')));
    expect(graphAt(joined, inModel(modelId('main'), nodeId('s')))?.nodes[nodeId('q')]?.params).toEqual({
      r: { all: 8, at: { '4-5': 4 } },
    });
  });
});

/** What every layer of every stack of a document is: parameters, presence and mute by stack name, layer and node. */
function layerTable(document: Document): readonly string[] {
  const rows: string[] = [];
  for (const { path, graph, stack: range } of modelGraphs(document)) {
    const container = path.at(-1);
    if (range === undefined || container === undefined) continue;
    for (const [key, n] of entriesOf(graph.nodes)) {
      if (n.type === CONCAT.type) continue;
      // Parts of a split stack have other ids, so rows are named by the stack's own name.
      const id = n.stack === undefined ? key : stackName(key, n.stack);
      const on = (selection: string) => {
        const layers = resolveLayers(selection, range.first, range.repeat);
        return layers.ok ? layers.value : [];
      };
      const muted = on(n.mute === true ? 'all' : typeof n.mute === 'string' ? n.mute : 'none');
      for (let layer = range.first; layer < range.first + range.repeat; layer++) {
        const params = entriesOf(n.params).map(([name, v]) => [name, valueAt(v, layer, range)]);
        const flags = `${on(n.layers ?? 'all').includes(layer)} ${muted.includes(layer)}`;
        rows.push(`${stackName(container, range)} ${layer} ${id} ${flags} ${JSON.stringify(params)}`);
      }
    }
  }
  return rows.sort();
}

describe('generated stacks', () => {
  it('keep every layer through splits, unrolls and joins', () => {
    let count = 0;
    for (let seed = 0; seed < 60; seed++) {
      const document = generateDocument(seed);
      for (const at of modelGraphs(document)) {
        for (const [id, n] of entriesOf(at.graph.nodes)) {
          if (n.stack === undefined || n.stack.repeat < 2) continue;
          const address = { graph: inModel(at.model, ...at.path), node: id };
          const table = flat(layerTable(document));
          const middle = n.stack.first + Math.ceil(n.stack.repeat / 2);
          const split = splitStack(document, address, middle, CONCAT);
          if (!split.ok) {
            expect(new Set(codes(split.error))).toEqual(new Set(['edit-node-kept']));
            continue;
          }
          count++;
          expect(flat(layerTable(done(split)))).toEqual(table);
          expect(flat(layerTable(done(unrollStack(document, address, CONCAT))))).toEqual(table);
          const joined = joinStacks(split.value, address.graph, id, nodeId(`${id}_${middle}`));
          if (joined.ok) expect(flat(layerTable(done(joined)))).toEqual(table);
        }
      }
    }
    expect(count).toBeGreaterThan(25);
  });
});

/** Nested stacks are copied into every part, so equal rows count once. */
const flat = (rows: readonly string[]): readonly string[] => [...new Set(rows)];
