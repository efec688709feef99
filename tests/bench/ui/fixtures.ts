/**
 * Documents of any size for the canvas: real node types with real parameters, wired as layers are, on a grid of known
 * places, so that a picture shows exactly the number of cards that a figure names.
 */
import type { Document, Edge, Graph, Node } from '../../../engine/protocol/document.ts';
import { emptyDocument } from '../../../engine/protocol/document.ts';
import { modelId, nodeId, recordOf, type NodeId, type PortId, type RecipeId } from '../../../engine/protocol/ids.ts';
import { withGraphView, type Point } from '../../../engine/protocol/view.ts';

const wire = (from: string, out: string, to: string, into: string): Edge => ({
  from: { node: from as NodeId, port: out as PortId },
  to: { node: to as NodeId, port: into as PortId },
});

const linear = (title: string): Node => ({
  type: 'layer.linear',
  version: 1,
  title,
  site: 'attn.query',
  params: { inFeatures: 384, outFeatures: 384, weight: 'w', bias: 'b' },
});

export interface FixtureOptions {
  /** Cards of the model, attachments not counted. */
  readonly cards: number;
  /** Every so many linear layers carry a LoRA. */
  readonly loraEvery?: number;
  /** Without places the layout has to find them. */
  readonly placed?: boolean;
}

/** Chains of linear layer, norm and sum over a grid whose shape is that of a window. */
export function cardsDocument({ cards, loraEvery = 3, placed = true }: FixtureOptions): Document {
  const columns = Math.ceil(Math.sqrt(cards * 0.8));
  const nodes: [NodeId, Node][] = [];
  const edges: Edge[] = [];
  const positions: Record<string, Point> = {};
  for (let i = 0; i < cards; i++) {
    const id = `n${i}`;
    const column = i % columns;
    const row = Math.floor(i / columns);
    positions[id] = { x: column * 304, y: row * 160 };
    const kind = i % 3;
    nodes.push([
      nodeId(id),
      kind === 0
        ? linear(`Projection ${i}`)
        : kind === 1
          ? { type: 'layer.norm', version: 1, title: `Norm ${i}`, params: { width: 384, weight: 'w', bias: 'b' } }
          : { type: 'layer.add', version: 1, params: {} },
    ]);
    if (column > 0) edges.push(wire(`n${i - 1}`, 'y', id, 'x'));
    if (kind === 2 && column > 1) edges.push(wire(`n${i - 2}`, 'y', id, 'x'));
    if (kind === 0 && (i / 3) % loraEvery === 0) {
      nodes.push([nodeId(`lora${i}`), { type: 'peft.lora', version: 1, recipe: 'lora' as RecipeId, params: {} }]);
      edges.push(wire(`lora${i}`, 'transform', id, 'transforms'));
    }
  }
  const graph: Graph = { nodes: recordOf(nodes), edges };
  const document: Document = {
    ...emptyDocument(`${cards} cards`),
    models: recordOf([[modelId('main'), graph]]),
    recipes: recordOf([['lora' as RecipeId, { type: 'peft.lora', version: 1, params: { rank: 8, alpha: 16 } }]]),
  };
  return placed ? withGraphView(document, 'main:', (v) => ({ ...v, positions })) : document;
}
