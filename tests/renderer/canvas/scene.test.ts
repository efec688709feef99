/** What is drawn: containers with their bodies, chips with their line, states, what stays the same object. */
import { describe, expect, it } from 'vitest';
import { setParam, setParamForLayers, replaceNode } from '../../../engine/protocol/edit.ts';
import { nodeId } from '../../../engine/protocol/ids.ts';
import { must } from '../../../engine/base/errors.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { figuresOf, NO_FIGURES, shapeWords } from '../../../renderer/canvas/model/figures.ts';
import { makeScene } from '../../../renderer/canvas/model/scene.ts';
import type { ShownLayer } from '../../../renderer/canvas/model/layers.ts';
import { flowNodes, flowEdges } from '../../../renderer/canvas/model/flow.ts';
import { body, checkOf, exampleDocument, MAIN, types } from './support.ts';

const sceneOf = (document: Document, layer: ShownLayer = 'all', asWires = false) =>
  makeScene({ document, model: MAIN, types, figures: NO_FIGURES, layer, asWires });
const lora = { graph: body, node: nodeId('lora_attn_query') };
const done = (result: { ok: boolean; value?: Document }): Document => must(result.value, 'the edit is made');

describe('scene', () => {
  it('draws a stack as a container with its body inside, walls as ports on both sides', () => {
    const scene = sceneOf(exampleDocument());
    const stack = must(scene.byId.get('layers'), 'stack');
    expect(stack.kind).toBe('stack');
    expect(scene.byId.get('layers/query')?.parent).toBe('layers');
    expect(stack.ports.map((p) => `${p.type} ${p.id}`).sort()).toEqual([
      'source $in.hidden',
      'source $in.tokens',
      'source hidden',
      'target $out.hidden',
      'target hidden',
      'target tokens',
    ]);
    expect(stack.ports.find((p) => p.id === 'tokens')?.kind).toBe('tokens');
    expect(stack.ports.find((p) => p.id === 'tokens')?.glyph).toBe('broadcast');
    const wall = must(
      scene.edges.find((e) => e.edge === '$in.hidden->query.x'),
      'wire from the wall',
    );
    expect([wall.from, wall.fromPort, wall.to, wall.toPort]).toEqual(['layers', '$in.hidden', 'layers/query', 'x']);
  });

  it('docks attachments as chips with their formula, sets and recipe', () => {
    const scene = sceneOf(exampleDocument());
    const query = must(scene.byId.get('layers/query'), 'query');
    expect(scene.byId.has('layers/lora_attn_query')).toBe(false);
    expect(query.face.chips).toHaveLength(1);
    const [chip] = query.face.chips;
    expect(chip).toMatchObject({ title: 'LoRA', sets: 6, shared: false, letter: 'A', users: 2 });
    expect(query.face.formula).toMatch(/^W′ = W \+ .*B·A$/);
    expect(scene.edges.some((e) => e.from === 'layers/lora_attn_query')).toBe(false);
  });

  it('shows attachments as wires on demand', () => {
    const scene = sceneOf(exampleDocument(), 'all', true);
    expect(scene.byId.get('layers/query')?.face.chips).toHaveLength(0);
    expect(scene.byId.get('layers/lora_attn_query')?.kind).toBe('card');
    expect(scene.edges.find((e) => e.from === 'layers/lora_attn_query')).toMatchObject({
      kind: 'transform',
      toPort: 'transforms',
    });
  });

  it('says mixed where layers differ, and the value of one layer when that is shown', () => {
    const base = done(setParam(exampleDocument(), lora, 'rank', 8));
    const document = done(setParamForLayers(base, lora, 'rank', '4-5', 16));
    const chipAt = (layer: ShownLayer) =>
      must(sceneOf(document, layer).byId.get('layers/query')?.face.chips[0], 'chip');
    expect(chipAt('all').settings).toContain('r mixed');
    expect(chipAt(0).settings).toContain('r 8');
    expect(chipAt(5).settings).toContain('r 16');
  });

  it('ghosts a module in the layers where it is not', () => {
    const before = exampleDocument();
    const node = must(before.models[MAIN]?.nodes[nodeId('layers')]?.body?.nodes[lora.node], 'module');
    const document = replaceNode(before, lora, { ...node, layers: '-2..' });
    const ghost = (layer: ShownLayer) => sceneOf(document, layer).byId.get('layers/query')?.face.chips[0]?.ghost;
    expect([ghost('all'), ghost(0), ghost(4), ghost(5)]).toEqual([false, true, false, false]);
    expect(sceneOf(document, 0).byId.get('layers/query')?.face.formula).toBe('');
    expect(sceneOf(document).byId.get('layers/query')?.face.chips[0]?.sets).toBe(2);
  });

  it('keeps what did not change as the same object', () => {
    const before = sceneOf(exampleDocument());
    const document = done(setParam(exampleDocument(), { graph: body, node: nodeId('attn_drop') }, 'p', 0.2));
    const after = makeScene(
      { document, model: MAIN, types, figures: NO_FIGURES, layer: 'all', asWires: false },
      before,
    );
    const changed = after.nodes.filter((n) => before.byId.get(n.id) !== n).map((n) => n.id);
    expect(changed).toEqual(['layers/attn_drop']);
    expect(after.edges.every((e, i) => e === before.edges[i])).toBe(true);
  });

  it('brings shapes and problems of a check to their cards', () => {
    const check = checkOf({ 'layers/*/query': 'f32[B,T,384]' }, [
      {
        code: 'x',
        severity: 'error',
        where: { model: 'main', node: 'layers/3/query' },
        message: 'Wrong.',
        fix: 'Mend it.',
      },
    ]);
    const scene = makeScene({
      document: exampleDocument(),
      model: MAIN,
      types,
      figures: figuresOf(check, MAIN),
      layer: 'all',
      asWires: false,
    });
    const query = must(scene.byId.get('layers/query'), 'query');
    expect(query.ports.find((p) => p.name === 'y')?.shape).toBe('B×T×384');
    expect(query.face.problems).toEqual([{ severity: 'error', text: 'Wrong. Mend it.' }]);
    expect(shapeWords('f32[]')).toBe('scalar');
  });

  it('gives every card a size on the grid and ports inside of it, so that nothing has to be measured', () => {
    for (const n of sceneOf(exampleDocument()).nodes) {
      expect([n.width % 8, n.height % 8], n.id).toEqual([0, 0]);
      if (n.kind === 'card') expect([200, 240], n.id).toContain(n.width);
      for (const p of n.ports) {
        expect(p.x >= 0 && p.x <= n.width && p.y >= 0 && p.y <= n.height, `${n.id} ${p.id}`).toBe(true);
      }
    }
  });
});

describe('flow', () => {
  const input = (document: Document) => ({
    scene: sceneOf(document),
    places: () => ({ query: { x: 200, y: 120 }, key: { x: 200, y: 300 } }),
    isSelected: () => false,
    isEdgeSelected: () => false,
    groups: () => ({}),
    notes: () => ({}),
    folded: () => new Set<string>(),
  });

  it('places bodies inside their containers, which take the size of what they hold', () => {
    const nodes = flowNodes(input(exampleDocument()), []);
    const stack = must(
      nodes.find((n) => n.id === 'layers'),
      'stack',
    );
    for (const n of nodes.filter((x) => x.parentId === 'layers')) {
      expect(n.position.x + (n.width ?? 0), n.id).toBeLessThanOrEqual((stack.width ?? 0) - 96);
      expect(n.position.y + (n.height ?? 0), n.id).toBeLessThanOrEqual(stack.height ?? 0);
    }
    expect(nodes.findIndex((n) => n.id === 'layers')).toBeLessThan(nodes.findIndex((n) => n.parentId === 'layers'));
  });

  it('folds the nodes of a group away and brings them back', () => {
    const open = {
      ...input(exampleDocument()),
      groups: (g: string) => (g === 'main:' ? { a: { title: 'A', nodes: ['pooler'] } } : {}),
    };
    const folded = { ...open, folded: () => new Set(['group:a']) };
    const hidden = flowNodes(folded, flowNodes(open, []));
    expect(hidden.find((n) => n.id === 'pooler')?.hidden).toBe(true);
    expect(flowNodes(open, hidden).find((n) => n.id === 'pooler')?.hidden).toBe(false);
  });

  it('gives the same objects again for the same scene', () => {
    const given = input(exampleDocument());
    const nodes = flowNodes(given, []);
    const again = flowNodes(given, nodes);
    expect(again.every((n, i) => n === nodes[i])).toBe(true);
    const edges = flowEdges(
      given.scene,
      () => false,
      () => false,
      () => undefined,
      [],
    );
    const same = flowEdges(
      given.scene,
      () => false,
      () => false,
      () => undefined,
      edges,
    );
    expect(same.every((e, i) => e === edges[i])).toBe(true);
  });
});
