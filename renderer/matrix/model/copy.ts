/** Copying a layer's set of modules to other layers: afterwards they have the same modules with the same values. */
import { ok } from '../../../engine/base/result.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { nodeAt, replaceNode, stackAt, type EditResult } from '../../../engine/protocol/edit.ts';
import { formatLayers } from '../../../engine/protocol/selection.ts';
import { modulesAt, valueOf, withLayers, type AttachedModule } from './cells.ts';
import { eraseAt } from './erase.ts';
import { columnOf, layersByPart, type Row } from './grid.ts';
import { brushOf, paint, withOverride, type PaintContext } from './paint.ts';

export function copyLayer(
  document: Document,
  context: PaintContext,
  from: number,
  to: readonly number[],
  rows: readonly Row[] = context.grid.rows,
): EditResult {
  const source = columnOf(context.grid, from);
  const targets = to.filter((layer) => layer !== from);
  if (source === undefined || targets.length === 0) return ok(document);
  let current = document;
  for (const row of rows.filter((r) => r.inStack)) {
    const origin = row.anchors.get(source.stack);
    if (origin === undefined) continue;
    const models = modulesAt(current, row, origin, context.typeOf).filter((m) => m.layers?.has(from));
    for (const [part, layers] of layersByPart(context.grid, targets)) {
      const anchor = row.anchors.get(part);
      if (anchor === undefined) continue;
      const isSame = part === source.stack;
      for (const module of modulesAt(current, row, anchor, context.typeOf)) {
        const kept = isSame
          ? models.some((m) => m.id === module.id)
          : models.some((m) => m.node.type === module.node.type);
        current =
          kept && isSame
            ? extend(current, context, module, from, layers)
            : kept
              ? current
              : eraseAt(current, context.typeOf, module, layers);
      }
      if (isSame) continue;
      for (const model of models) {
        const painted = paint(current, context, [{ row, layers }], brushOf(current, model, from, context.typeOf));
        if (!painted.ok) return painted;
        current = painted.value;
      }
    }
  }
  return ok(current);
}

/** The module comes to more layers with the values that it has in `from`. */
function extend(
  document: Document,
  { typeOf }: PaintContext,
  { anchor, id, layers: present }: AttachedModule,
  from: number,
  layers: readonly number[],
): Document {
  const at = { graph: anchor.graph, node: id };
  const node = nodeAt(document, at);
  const range = stackAt(document, anchor.graph);
  const info = node && typeOf(node.type);
  if (node === undefined || range === undefined || info === undefined || present === undefined) return document;
  let params = node.params;
  for (const [name, spec] of Object.entries(info.params)) {
    const value = valueOf(document, { ...node, params }, name, spec.default, range, from);
    if (value === undefined || typeof value === 'object') continue;
    params = withOverride(document, { ...node, params }, name, value, layers, range, info);
  }
  const selection = formatLayers([...new Set([...present, ...layers])], range.first, range.repeat);
  return replaceNode(document, at, withLayers({ ...node, params }, selection));
}
