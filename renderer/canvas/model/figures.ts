// Paths have an asterisk for the layer, which a block comment cannot hold before a slash.
/** What the latest check says of each node: shape, counts, problems; by the path that the check uses. */
import type { CheckView, ModelFigures, NodeFigures } from '../../../engine/protocol/api/check.ts';
import type { Diagnostic } from '../../../engine/base/errors.ts';
import type { ModelId, NodeId } from '../../../engine/protocol/ids.ts';

export interface Figures {
  readonly model: ModelFigures | undefined;
  readonly of: (path: readonly NodeId[], node: NodeId) => NodeFigures | undefined;
  /** Problems of a node itself; those of nodes inside a stack belong to them. */
  readonly problems: (path: readonly NodeId[], node: NodeId) => readonly Diagnostic[];
}

export const NO_FIGURES: Figures = { model: undefined, of: () => undefined, problems: () => [] };

const NONE: readonly Diagnostic[] = [];
const known = new WeakMap<CheckView, Map<string, Figures>>();

export function figuresOf(check: CheckView | undefined, model: ModelId | undefined): Figures {
  if (check === undefined || model === undefined) return NO_FIGURES;
  const byModel = known.get(check) ?? new Map<string, Figures>();
  known.set(check, byModel);
  const found = byModel.get(model) ?? makeFigures(check, model);
  byModel.set(model, found);
  return found;
}

function makeFigures(check: CheckView, model: ModelId): Figures {
  const figures = check.models.find((m) => m.model === model);
  const nodes = new Map(figures?.nodes.map((n) => [n.node, n]));
  const problems = new Map<string, Diagnostic[]>();
  for (const d of check.diagnostics) {
    if (d.where.node === undefined || (d.where.model !== undefined && d.where.model !== model)) continue;
    if (d.severity === 'info') continue;
    const key = withoutLayers(d.where.node);
    const list = problems.get(key);
    if (list) list.push(d);
    else problems.set(key, [d]);
  }
  return {
    model: figures,
    of: (path, node) => nodes.get(figurePath(path, node)),
    problems: (path, node) => problems.get([...path, node].join('/')) ?? NONE,
  };
}

/** Every container of a model repeats, so a star for the layer follows it. */
export const figurePath = (path: readonly NodeId[], node: NodeId): string =>
  [...path.flatMap((p) => [p, '*']), node].join('/');

/** A path of a message may carry a layer's number, or a star. */
const withoutLayers = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '*' && !/^\d+$/.test(part))
    .join('/');

/** `f32[B,T,384]` as people write it: `B×T×384`. */
export function shapeWords(output: string): string {
  const found = /\[([^\]]*)\]/.exec(output);
  if (found === null) return output;
  const dims = (found[1] ?? '').split(',').map((d) => d.trim());
  return dims[0] === '' ? 'scalar' : dims.join('×');
}

/** The size of the last axis, where it is a number. */
export function lastAxis(output: string): number | undefined {
  const found = /\[([^\]]*)\]/.exec(output);
  const last = found?.[1]?.split(',').at(-1)?.trim();
  const number = last === undefined || last === '' ? Number.NaN : Number(last);
  return Number.isInteger(number) ? number : undefined;
}
