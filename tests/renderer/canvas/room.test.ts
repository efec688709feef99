/** Room for cards that have grown: what is below moves down with its row, containers grow, nothing else moves. */
import ElkConstructor from 'elkjs/lib/elk.bundled.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { must } from '../../../engine/base/errors.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { removeNode } from '../../../engine/protocol/edit.ts';
import { nodeId } from '../../../engine/protocol/ids.ts';
import { NO_FIGURES } from '../../../renderer/canvas/model/figures.ts';
import { placeScene, type GraphPlaces, type Placed } from '../../../renderer/canvas/model/flow.ts';
import { layoutScene } from '../../../renderer/canvas/model/layoutGraph.ts';
import { roomIn } from '../../../renderer/canvas/model/room.ts';
import { makeScene } from '../../../renderer/canvas/model/scene.ts';
import { body, exampleDocument, MAIN, types } from './support.ts';

const sceneOf = (document: Document) =>
  makeScene({ document, model: MAIN, types, figures: NO_FIGURES, layer: 'all', asWires: false });
const overlaps = (placed: readonly Placed[]): string[] =>
  placed.flatMap((a, i) =>
    placed.slice(i + 1).flatMap((b) => {
      if (a.node.parent !== b.node.parent) return [];
      const apart =
        a.at.x + a.width <= b.at.x ||
        b.at.x + b.width <= a.at.x ||
        a.at.y + a.height <= b.at.y ||
        b.at.y + b.height <= a.at.y;
      return apart ? [] : [`${a.node.id} on ${b.node.id}`];
    }),
  );

describe('cards that have grown', () => {
  const after = sceneOf(exampleDocument());
  let laid: Readonly<Record<string, GraphPlaces>>;
  beforeAll(async () => {
    const without = (document: Document, id: string): Document => {
      const removed = removeNode(document, { graph: body, node: nodeId(id) });
      if (!removed.ok) throw new Error(`${id} could not be removed`);
      return removed.value;
    };
    const bare = ['lora_attn_query', 'lora_attn_value'].reduce(without, exampleDocument());
    const elk = new ElkConstructor();
    laid = (await layoutScene(sceneOf(bare), async (g) => elk.layout(structuredClone(g) as never))).positions;
  });
  const places = (graph: string): GraphPlaces => laid[graph] ?? {};

  it('lie on others without room, and on none with it', () => {
    expect(overlaps(placeScene(after, places))).not.toEqual([]);
    const found = roomIn(after, places, () => true);
    const roomy = placeScene(after, (graph) => found[graph] ?? places(graph));
    expect(overlaps(roomy)).toEqual([]);
    // Nothing moves up or sideways, and what was above another card still is.
    for (const [graph, moved] of Object.entries(found)) {
      for (const [node, at] of Object.entries(moved)) {
        const was = must(places(graph)[node], node);
        expect([at.x, at.y >= was.y]).toEqual([was.x, true]);
      }
      const order = (of: GraphPlaces): string[] =>
        Object.keys(moved).sort((a, b) => must(of[a], a).y - must(of[b], b).y || a.localeCompare(b));
      expect(order(moved)).toEqual(order(places(graph)));
    }
    // Rows stay rows, also in the graph around the container that grew.
    const [graph, top] = must(
      Object.entries(found).find(([, moved]) => 'pooler' in moved),
      'the graph around',
    );
    const by = (node: string): number => must(top[node], node).y - must(places(graph)[node], node).y;
    expect(by('pooler')).toBeGreaterThan(0);
    expect(by('head')).toBe(by('pooler'));
  });

  it('move nothing when there is room, and nothing where a person has placed the cards', () => {
    const found = roomIn(after, places, () => true);
    expect(
      roomIn(
        after,
        (graph) => found[graph] ?? places(graph),
        () => true,
      ),
    ).toEqual({});
    expect(roomIn(after, places, () => false)).toEqual({});
  });

  it('make room around a container also while one of its cards has no place of its own', () => {
    const graphs = [...after.graphs.keys()];
    const inner = must(
      graphs.find((g) => 'query' in places(g)),
      'the body',
    );
    const { ffn_down: lower, query: _without, ...others } = places(inner);
    const taller = { ...others, ffn_down: { x: must(lower, 'ffn_down').x, y: must(lower, 'ffn_down').y + 400 } };
    const given = (g: string): GraphPlaces => (g === inner ? taller : places(g));
    const found = roomIn(after, given, (g) => g !== inner);
    const roomy = placeScene(after, (g) => found[g] ?? given(g));
    expect(overlaps(roomy)).toEqual([]);
    expect(Object.values(found).some((moved) => 'pooler' in moved)).toBe(true);
    expect(found[inner]).toBeUndefined();
  });
});
