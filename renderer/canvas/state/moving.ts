/** What follows from moving: groups carry their nodes, containers grow; and comparing what was drawn with what is. */
import type { NodeChange } from '@xyflow/react';
import type { Point } from '../../../engine/protocol/view.ts';
import { grown, widened } from '../model/card.ts';
import { isCard, type FlowNode, type GraphPlaces } from '../model/flow.ts';
import type { Scene } from '../model/sceneTypes.ts';

export const graphOf = (n: FlowNode): string => (isCard(n) ? n.data.scene.graph : n.data.graph);
export const keyOf = (n: FlowNode): string => (isCard(n) ? n.data.scene.node : `${n.type}:${n.data.key}`);

export const sameItems = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

export const samePlaces = (a: readonly FlowNode[], b: readonly FlowNode[]): boolean =>
  a.length === b.length &&
  a.every((x, i) => {
    const y = b[i];
    return x === y || (x.id === y?.id && x.position === y.position && x.width === y.width && x.height === y.height);
  });

/** Nodes of a group move with its frame, unless they move themselves. */
export function carryGroups(
  nodes: readonly FlowNode[],
  before: readonly FlowNode[],
  changes: readonly NodeChange<FlowNode>[],
): readonly FlowNode[] {
  const moving = new Set(changes.flatMap((c) => ('id' in c ? [c.id] : [])));
  const old = new Map(before.map((n) => [n.id, n]));
  const shifts = new Map<string, Point>();
  for (const n of nodes) {
    if (n.type !== 'group' || !moving.has(n.id)) continue;
    const last = old.get(n.id);
    if (!last) continue;
    const by = { x: n.position.x - last.position.x, y: n.position.y - last.position.y };
    for (const member of n.data.group.nodes) shifts.set(`${n.data.graph}/${member}`, by);
  }
  if (shifts.size === 0) return nodes;
  return nodes.map((n) => {
    const by = isCard(n) && !moving.has(n.id) ? shifts.get(`${n.data.scene.graph}/${n.data.scene.node}`) : undefined;
    return by ? { ...n, position: { x: n.position.x + by.x, y: n.position.y + by.y } } : n;
  });
}

/** A container grows with what is moved inside of it. */
export function growParents(nodes: readonly FlowNode[]): readonly FlowNode[] {
  const need = new Map<string, { right: number; bottom: number }>();
  for (const n of nodes) {
    if (n.parentId === undefined) continue;
    const e = need.get(n.parentId) ?? { right: 0, bottom: 0 };
    e.right = Math.max(e.right, n.position.x + (n.width ?? 0));
    e.bottom = Math.max(e.bottom, n.position.y + (n.height ?? 0));
    need.set(n.parentId, e);
  }
  return nodes.map((n) => {
    const body = need.get(n.id);
    if (!body || n.type !== 'stack') return n;
    const size = grown(n.data.scene, body);
    if (size.width === n.width && size.height === n.height) return n;
    const ports = widened(n.data.scene.ports, n.data.scene.width, size.width);
    const handles = (n.handles ?? []).map((h) => {
      const p = ports.find((q) => q.id === h.id && q.type === h.type);
      return p ? { ...h, x: p.x } : h;
    });
    return { ...n, ...size, measured: size, handles, data: { ...n.data, ports } };
  });
}

export function inColumns(scene: Scene, graph: string): GraphPlaces {
  const found: Record<string, Point> = {};
  let x = 0;
  for (const n of scene.nodes) {
    if (n.graph !== graph) continue;
    found[n.node] = { x: x + 128, y: 96 };
    x += n.width + 72;
  }
  return found;
}
