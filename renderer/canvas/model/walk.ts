/** Walking a graph by keyboard: along wires to the left and right, between neighbours up and down, in and out of stacks. */
import type { Scene, SceneNode } from './sceneTypes.ts';
import type { Point } from '../../../engine/protocol/view.ts';

export type Step = 'left' | 'right' | 'up' | 'down';

/** Where a key leads from a card; `at` gives places as drawn, on the whole canvas. */
export function walkFrom(
  scene: Scene,
  id: string,
  step: Step,
  at: (id: string) => Point | undefined,
): string | undefined {
  const here = scene.byId.get(id);
  const from = at(id);
  if (!here || !from) return undefined;
  if (step === 'left' || step === 'right') {
    const along = scene.edges.flatMap((e) => {
      if (step === 'right') return e.from === id && !e.fromPort.startsWith('$') ? [e.to] : [];
      return e.to === id && !e.toPort.startsWith('$') ? [e.from] : [];
    });
    const inside = step === 'right' && here.kind === 'stack' ? firstInside(scene, here) : undefined;
    const next =
      nearestOf(
        along.filter((x) => x !== here.parent),
        from,
        at,
      ) ??
      inside ??
      (step === 'left' ? here.parent : along[0]);
    return next ?? nearestOf(inDirection(scene, here, from, step, at), from, at);
  }
  return nearestOf(inDirection(scene, here, from, step, at), from, at);
}

const firstInside = (scene: Scene, stack: SceneNode): string | undefined =>
  scene.edges.find((e) => e.from === stack.id && e.fromPort.startsWith('$in.'))?.to;

function inDirection(
  scene: Scene,
  here: SceneNode,
  from: Point,
  step: Step,
  at: (id: string) => Point | undefined,
): readonly string[] {
  return scene.nodes.flatMap((n) => {
    const p = n.id === here.id ? undefined : at(n.id);
    if (!p || n.graph !== here.graph) return [];
    const [dx, dy] = [p.x - from.x, p.y - from.y];
    const fits =
      step === 'up'
        ? dy < -8 && Math.abs(dx) < 400
        : step === 'down'
          ? dy > 8 && Math.abs(dx) < 400
          : step === 'left'
            ? dx < -8
            : dx > 8;
    return fits ? [n.id] : [];
  });
}

function nearestOf(ids: readonly string[], from: Point, at: (id: string) => Point | undefined): string | undefined {
  let best: { id: string; far: number } | undefined;
  for (const id of ids) {
    const p = at(id);
    if (!p) continue;
    const far = Math.hypot(p.x - from.x, (p.y - from.y) * 1.2);
    if (!best || far < best.far) best = { id, far };
  }
  return best?.id;
}
