/** Finding, copying, arranging, walking, layout, what trains, notes. */
import ELK from 'elkjs/lib/elk.bundled.js';
import { describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import { graphAt, replaceNode } from '../../../engine/protocol/edit.ts';
import { nodeId } from '../../../engine/protocol/ids.ts';
import { aligned, distributed, guidesFor } from '../../../renderer/canvas/model/arrange.ts';
import { clipText, copyNodes, pasteClip, readClip } from '../../../renderer/canvas/model/clipboard.ts';
import { NO_FIGURES } from '../../../renderer/canvas/model/figures.ts';
import { normsByNode } from '../../../renderer/canvas/model/heat.ts';
import { layoutScene, placeMissing } from '../../../renderer/canvas/model/layoutGraph.ts';
import { detailAt } from '../../../renderer/canvas/model/lod.ts';
import { blocksOf } from '../../../renderer/canvas/model/markdown.ts';
import { offersOf, searchOffers } from '../../../renderer/canvas/model/offers.ts';
import { findNodes, siteFits } from '../../../renderer/canvas/model/query.ts';
import { ranksOf, rowsOf } from '../../../renderer/canvas/model/rows.ts';
import { makeScene } from '../../../renderer/canvas/model/scene.ts';
import { gradientPath } from '../../../renderer/canvas/model/trains.ts';
import { walkFrom } from '../../../renderer/canvas/model/walk.ts';
import { cardsDocument } from '../../bench/ui/fixtures.ts';
import { body, catalog, exampleDocument, MAIN, types } from './support.ts';

const scene = () =>
  makeScene({ document: exampleDocument(), model: MAIN, types, figures: NO_FIGURES, layer: 'all', asWires: false });

describe('finding', () => {
  const find = (text: string) => findNodes(exampleDocument(), MAIN, text, types).map((f) => f.node);
  it('reads sites as people shorten them', () => {
    expect(find('site:attn.q,attn.v')).toEqual(['query', 'value']);
    expect(siteFits('attn.query', 'attn.k')).toBe(false);
  });
  it('finds by type, word, state and value', () => {
    expect(find('type:lora')).toEqual(['lora_attn_query', 'lora_attn_value']);
    expect(find('is:trainable type:head')).toEqual(['head']);
    expect(find('p>=0.1 dropout')).toContain('attn_drop');
    expect(find('pooler')).toEqual(['pooler', 'pooler_act']);
    expect(find('')).toEqual([]);
  });
});

describe('palette search', () => {
  it('puts exact and beginning titles first', () => {
    expect(searchOffers(offersOf(catalog), 'lora')[0]?.type?.type).toBe('peft.lora');
    expect(searchOffers(offersOf(catalog), 'li')[0]?.title).toBe('Linear');
    expect(searchOffers(offersOf(catalog), 'no such thing')).toEqual([]);
  });
});

describe('clipboard', () => {
  it('copies nodes with what is docked on them and pastes them under new names with one recipe', () => {
    const document = exampleDocument();
    const clip = copyNodes(document, body, [nodeId('query')], types, { query: { x: 200, y: 100 } });
    expect(Object.keys(clip.nodes).sort()).toEqual(['lora_attn_query', 'query']);
    const read = readClip(clipText(clip), types);
    if (!read.ok) throw new Error(read.error.map((d) => d.message).join());
    const pasted = pasteClip(document, body, read.value, { withIncoming: true });
    expect(pasted.nodes).toEqual(['query_2', 'lora_attn_query_2']);
    const graph = must(graphAt(pasted.document, body), 'body');
    expect(graph.nodes[nodeId('lora_attn_query_2')]?.recipe).toBe('lora');
    expect(Object.keys(pasted.document.recipes)).toEqual(['lora']);
    const wires = graph.edges.map((e) => `${e.from.node}->${e.to.node}`);
    expect(wires).toContain('lora_attn_query_2->query_2');
    expect(wires).toContain('$in->query_2');
  });
  it('refuses what is no nodes, and keeps unknown types as placeholders', () => {
    expect(readClip('hello', types).ok).toBe(false);
    expect(readClip('{"kind":"espalier-nodes","nodes":{"__proto__":{}}}', types).ok).toBe(false);
    const read = readClip(
      '{"kind":"espalier-nodes","version":1,"nodes":{"x":{"type":"my.node","version":1,"weird":[1]}},"edges":[]}',
      types,
    );
    expect(read.ok && read.value.nodes['x']?.raw).toContain('weird');
  });
});

describe('arranging', () => {
  const boxes = new Map([
    ['a', { x: 0, y: 0, width: 200, height: 56 }],
    ['b', { x: 300, y: 40, width: 240, height: 80 }],
    ['c', { x: 900, y: 10, width: 200, height: 56 }],
  ]);
  it('aligns and distributes', () => {
    expect([...aligned(boxes, 'top').values()].map((p) => p.y)).toEqual([0, 0, 0]);
    expect(aligned(boxes, 'right').get('b')?.x).toBe(860);
    expect(distributed(boxes, 'x').get('b')?.x).toBe(430);
  });
  it('finds guides to near edges and middles', () => {
    const snap = guidesFor({ x: 303, y: 400, width: 240, height: 56 }, [...boxes.values()]);
    expect(snap.by.x).toBe(-3);
    expect(snap.guides.map((g) => g.axis)).toEqual(['x']);
  });
});

describe('layout', () => {
  it('breaks long chains into rows where few wires cross', () => {
    const nodes = Array.from({ length: 12 }, (_, i) => ({ id: `n${i}`, width: 240, height: 56 }));
    const edges = nodes.slice(1).map((n, i) => ({ from: `n${i}`, to: n.id }));
    const rows = rowsOf(nodes, edges, 1760);
    expect(rows).toHaveLength(2);
    expect(rows.flat()).toHaveLength(12);
    expect(ranksOf(nodes, edges).get('n11')).toBe(11);
  });
  it('lays out the whole example without overlaps, on the grid', async () => {
    const elk = new ELK();
    const s = scene();
    const laid = await layoutScene(s, async (g) => elk.layout(structuredClone(g) as never));
    const inBody = Object.entries(must(laid.positions['main:layers'], 'body'));
    for (const [id, p] of inBody) {
      expect([p.x % 8, p.y % 8], id).toEqual([0, 0]);
      const n = must(s.byId.get(`layers/${id}`), id);
      for (const [other, q] of inBody) {
        if (other === id) continue;
        const m = must(s.byId.get(`layers/${other}`), other);
        const apart = p.x + n.width <= q.x || q.x + m.width <= p.x || p.y + n.height <= q.y || q.y + m.height <= p.y;
        expect(apart, `${id} and ${other}`).toBe(true);
      }
    }
  });
  it('finds a free place for what has none', () => {
    const s = scene();
    const nodes = s.nodes.filter((n) => n.graph === 'main:');
    const places = placeMissing(nodes, s.edges, new Map([['embeddings', { x: 0, y: 0 }]]));
    expect(new Set([...places.values()].map((p) => `${p.x},${p.y}`)).size).toBe(nodes.length);
  });
});

describe('keys', () => {
  it('walks along wires and into stacks', () => {
    const s = scene();
    const at = (id: string) => ({ x: s.nodes.findIndex((n) => n.id === id) * 300, y: 0 });
    expect(walkFrom(s, 'tokens', 'right', at)).toBe('embeddings');
    expect(walkFrom(s, 'pooler', 'left', at)).toBe('cls');
    expect(walkFrom(s, 'layers/query', 'right', at)).toBe('layers/attention');
  });
});

describe('what trains', () => {
  it('colours the way from the first trainable module to the loss', () => {
    const path = gradientPath(exampleDocument(), MAIN, types, 'all');
    expect(path.has('layers/query')).toBe(true);
    expect(path.has('head')).toBe(true);
    expect(path.has('loss')).toBe(true);
    expect(path.has('embeddings')).toBe(false);
    expect(path.has('wire:layers/$in.tokens')).toBe(false);
  });
  it('begins in the layer where the first module is', () => {
    const before = exampleDocument();
    const graph = must(graphAt(before, body), 'body');
    const document = ['lora_attn_query', 'lora_attn_value'].reduce((d, id) => {
      const node = must(graph.nodes[nodeId(id)], id);
      return replaceNode(d, { graph: body, node: nodeId(id) }, { ...node, layers: '4..' });
    }, before);
    expect(gradientPath(document, MAIN, types, 3).has('layers/query')).toBe(false);
    expect(gradientPath(document, MAIN, types, 4).has('layers/query')).toBe(true);
    expect(gradientPath(document, MAIN, types, 4).has('layers/key')).toBe(false);
    expect(gradientPath(document, MAIN, types, 5).has('layers/key')).toBe(true);
  });
});

describe('small things', () => {
  it('chooses the level of detail by zoom', () => {
    expect([1, 0.75, 0.5, 0.2, 0.1].map(detailAt)).toEqual(['full', 'full', 'title', 'box', 'far']);
  });
  it('reads notes as text, never as HTML', () => {
    expect(blocksOf('# Hi\n- **a** <b>x</b>')).toEqual([
      { kind: 'heading', parts: [{ kind: 'text', text: 'Hi' }] },
      {
        kind: 'item',
        parts: [
          { kind: 'bold', text: 'a' },
          { kind: 'text', text: ' <b>x</b>' },
        ],
      },
    ]);
  });
  it('adds norms of parameters up by the nodes that they lie in', () => {
    const norms = normsByNode(
      new Map([
        ['update/layers/0/query/lora/A', 3],
        ['update/layers/1/query/lora/A', 4],
        ['update/layers/0/key/dora/A', 2.5],
        ['gradient/layers/0/query/lora/A', 100],
      ]),
      'update/',
    );
    expect(norms.get('lora')).toBeCloseTo(5, 6);
    expect(norms.get('dora')).toBeCloseTo(2.5, 6);
    expect(norms.has('A')).toBe(false);
  });
  it('makes documents of any size for measuring', () => {
    const document = cardsDocument({ cards: 300 });
    const s = makeScene({ document, model: MAIN, types, figures: NO_FIGURES, layer: 'all', asWires: false });
    expect(s.nodes).toHaveLength(300);
    expect(s.nodes.some((n) => n.face.chips.length > 0)).toBe(true);
  });
});
