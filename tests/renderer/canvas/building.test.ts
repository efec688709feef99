/** Wires that fit and those that don't, with the reason; setting modules into the graph; deleting with healing. */
import { describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { Document, Graph } from '../../../engine/protocol/document.ts';
import { graphAt } from '../../../engine/protocol/edit.ts';
import { nodeId, portId, WALL_IN, WALL_OUT } from '../../../engine/protocol/ids.ts';
import {
  attach,
  attachWay,
  dock,
  inParallel,
  inSeries,
  newNode,
  splice,
} from '../../../renderer/canvas/model/building.ts';
import { autoConnections, fitsOf, typePorts, whyNot } from '../../../renderer/canvas/model/compatible.ts';
import { bypass, removeAll } from '../../../renderer/canvas/model/removing.ts';
import { body, checkOf, contextFor, exampleDocument, top, types } from './support.ts';

const end = (at: typeof body, node: string, port: string) => ({ at, node: nodeId(node), port: portId(port) });
const graphOf = (document: Document): Graph => must(graphAt(document, body), 'body');
const wires = (document: Document): string[] =>
  graphOf(document).edges.map((e) => `${e.from.node}.${e.from.port}->${e.to.node}.${e.to.port}`);

describe('wires', () => {
  const document = exampleDocument();
  const context = contextFor(
    document,
    checkOf({ 'layers/*/ffn_up': 'f32[B,T,1536]', 'layers/*/attn_norm': 'f32[B,T,384]' }),
  );
  const why = (from: [string, string], to: [string, string]) => whyNot(context, end(body, ...from), end(body, ...to));

  it('refuses another kind, a taken port, a cycle, a wrong width and a wall, each in words', () => {
    expect(why(['lora_attn_query', 'transform'], ['key', 'x'])).toMatch(/takes tensor, this wire carries transform/);
    expect(why(['ffn_norm', 'y'], ['query', 'x'])).toMatch(/takes one wire and has one from the left wall/);
    expect(why(['ffn_norm', 'y'], ['attn_add', 'x'])).toMatch(/circle|cycle/i);
    expect(why(['ffn_up', 'y'], ['ffn_add', 'x'])).toMatch(/one width: 384 is there, this one has 1536/);
    expect(whyNot(context, end(top, 'embeddings_drop', 'y'), end(body, 'query', 'x'))).toMatch(/wall of a stack/);
    expect(why(['query', 'y'], ['query', 'x'])).toMatch(/cannot feed itself/);
    expect(why(['query', 'y'], ['attention', 'query'])).toMatch(/exists already/);
  });

  it('lets a wire be moved to the port that it leaves free', () => {
    const held = {
      from: { node: nodeId('query'), port: portId('y') },
      to: { node: nodeId('attention'), port: portId('query') },
    };
    expect(whyNot(context, end(body, 'key', 'y'), end(body, 'attention', 'query'), held)).toBeUndefined();
  });

  it('finds all places for a transform: linear layers alone', () => {
    const fits = fitsOf(context, end(body, 'lora_attn_query', 'transform'), 'out').filter((f) => f.why === undefined);
    expect(fits.map((f) => `${f.end.node}.${f.end.port.name}`).sort()).toEqual(
      ['attn_out', 'ffn_down', 'ffn_up', 'key', 'value'].map((n) => `${n}.transforms`),
    );
  });

  it('offers for a loose wire only types that take it', () => {
    expect(typePorts('peft.fusion', types, 'tensor', 'out')).toEqual(['query', 'sources']);
    expect(typePorts('peft.lora', types, 'kv', 'out')).toEqual([]);
  });

  it('wires selected nodes where that is plain', () => {
    const made = must(
      newNode(context, body, 'peft.prefix').ok ? newNode(context, body, 'peft.prefix') : undefined,
      'made',
    );
    if (!made.ok) throw new Error('not made');
    const inside = contextFor(made.value.document);
    const found = autoConnections(inside, body, [made.value.node, nodeId('attention')]);
    expect(found.map((w) => `${w.from.node}.${w.from.port}->${w.to.node}.${w.to.port}`)).toEqual([
      'prefix.kv->attention.prefix',
    ]);
  });
});

describe('building', () => {
  it('attaches one recipe to many, and leaves out what cannot take it', () => {
    const context = contextFor(exampleDocument());
    const made = attach(context, body, 'peft.ia3', ['key', 'ffn_down', 'attention'].map(nodeId));
    if (!made.ok) throw new Error('refused');
    expect(made.nodes).toHaveLength(2);
    const nodes = made.nodes.map((n) => graphOf(made.value).nodes[n]);
    expect(new Set(nodes.map((n) => n?.recipe)).size).toBe(1);
    expect(made.value.recipes[must(nodes[0]?.recipe, 'recipe')]?.type).toBe('peft.ia3');
    expect(wires(made.value)).toContain(`${made.nodes[0]}.transform->key.transforms`);
  });

  it('knows how a type attaches: docked, in series, or not', () => {
    const context = contextFor(exampleDocument());
    expect(attachWay(context, body, 'peft.lora', nodeId('key'))).toBe('dock');
    expect(attachWay(context, body, 'peft.lnTuning', nodeId('attn_norm'))).toBe('dock');
    expect(attachWay(context, body, 'peft.prefix', nodeId('attention'))).toBe('dock');
    expect(attachWay(context, body, 'peft.bottleneck', nodeId('ffn_drop'))).toBe('series');
    expect(attachWay(context, body, 'peft.lora', nodeId('attn_norm'))).toBeUndefined();
  });

  it('copies the settings of a norm that is tuned', () => {
    const context = contextFor(exampleDocument());
    const made = attach(context, body, 'peft.lnTuning', [nodeId('attn_norm')]);
    if (!made.ok) throw new Error('refused');
    const node = graphOf(made.value).nodes[must(made.nodes[0], 'node')];
    expect(node?.params).toMatchObject({ width: 384, epsilon: 1e-12 });
    expect(JSON.stringify(node?.params['weight'])).toContain('attention.output.LayerNorm.weight');
  });

  const withAdapter = (): { document: Document; id: ReturnType<typeof nodeId> } => {
    const made = newNode(contextFor(exampleDocument()), body, 'peft.bottleneck');
    if (!made.ok) throw new Error('refused');
    return { document: made.value.document, id: made.value.node };
  };

  it('puts an adapter in series: what it adds goes into the sum that is there', () => {
    const { document, id } = withAdapter();
    const done = inSeries(contextFor(document), body, nodeId('ffn_drop'), id);
    if (!done.ok) throw new Error('refused');
    expect(wires(done.value)).toEqual(
      expect.arrayContaining(['ffn_drop.y->bottleneck.x', 'bottleneck.delta->ffn_add.x', 'ffn_drop.y->ffn_add.x']),
    );
  });

  it('puts an adapter parallel to a sublayer, and makes the add node where there is none', () => {
    const { document, id } = withAdapter();
    const done = inParallel(contextFor(document), body, nodeId('ffn_up'), id);
    if (!done.ok) throw new Error('refused');
    expect(wires(done.value)).toEqual(
      expect.arrayContaining([
        'attn_norm.y->bottleneck.x',
        'ffn_up.y->add.x',
        'bottleneck.delta->add.x',
        'add.y->ffn_act.x',
      ]),
    );
    expect(wires(done.value)).not.toContain('ffn_up.y->ffn_act.x');
  });

  it('sets a layer into a wire', () => {
    const made = newNode(contextFor(exampleDocument()), body, 'layer.dropout');
    if (!made.ok) throw new Error('refused');
    const edge = must(
      graphOf(made.value.document).edges.find((e) => e.from.node === 'ffn_up'),
      'wire',
    );
    const done = splice(contextFor(made.value.document), body, edge, made.value.node);
    if (!done.ok) throw new Error('refused');
    expect(wires(done.value)).toEqual(expect.arrayContaining(['ffn_up.y->dropout.x', 'dropout.y->ffn_act.x']));
    expect(wires(done.value)).not.toContain('ffn_up.y->ffn_act.x');
  });

  it('docks by the port that fits, and says why it does not', () => {
    const made = newNode(contextFor(exampleDocument()), body, 'peft.dora');
    if (!made.ok) throw new Error('refused');
    const inside = contextFor(made.value.document);
    expect(dock(inside, body, nodeId('key'), made.value.node).ok).toBe(true);
    const refused = dock(inside, body, nodeId('attn_norm'), made.value.node);
    expect(refused.ok ? '' : refused.error[0]?.message).toMatch(/no free place/);
  });
});

describe('deleting', () => {
  it('heals the wires over the gap and takes docked modules with their layer', () => {
    const done = removeAll(contextFor(exampleDocument()), body, [nodeId('ffn_act'), nodeId('query')], []);
    if (!done.ok) throw new Error('refused');
    const after = wires(done.value);
    expect(after).toContain('ffn_up.y->ffn_down.x');
    expect(graphOf(done.value).nodes[nodeId('lora_attn_query')]).toBeUndefined();
    expect(after).toContain('$in.hidden->attention.query');
    expect(after.some((w) => w.includes('lora_attn_query'))).toBe(false);
  });

  it('drops a recipe with its last user', () => {
    const done = removeAll(contextFor(exampleDocument()), body, ['lora_attn_query', 'lora_attn_value'].map(nodeId), []);
    expect(done.ok && Object.keys(done.value.recipes)).toEqual([]);
  });

  it('takes a node out of the flow and keeps it', () => {
    const done = bypass(contextFor(exampleDocument()), body, [nodeId('ffn_drop')]);
    if (!done.ok) throw new Error('refused');
    expect(graphOf(done.value).nodes[nodeId('ffn_drop')]).toBeDefined();
    expect(wires(done.value)).toContain('ffn_down.y->ffn_add.x');
    expect(wires(done.value).some((w) => w.includes('ffn_drop'))).toBe(false);
  });

  it('keeps the walls as they are', () => {
    expect(wires(exampleDocument()).filter((w) => w.includes(WALL_IN) || w.includes(WALL_OUT)).length).toBeGreaterThan(
      4,
    );
  });
});
