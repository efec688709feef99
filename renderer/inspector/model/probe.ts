/** Where a wire is measured: the node that gives what flows on it, in one layer, by its path in the Program. */
import { fail, ok, type Result } from '../../../engine/base/result.ts';
import { stackName, type Document, type Edge } from '../../../engine/protocol/document.ts';
import { graphAt, nodeAt, stackAt, type GraphAddress, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { WALL_IN, WALL_OUT } from '../../../engine/protocol/ids.ts';

export interface ProbePoint {
  readonly model: string;
  readonly node: string;
  readonly port: string;
}

/** Kinds of wires that carry numbers; a transform is a change of a layer, not a value. */
const MEASURED: ReadonlySet<string> = new Set(['tensor', 'sources', 'affine', 'kv', 'tokens', 'loss']);

export function probePoint(
  document: Document,
  at: GraphAddress,
  edge: Edge,
  kind: string | undefined,
  layer: number | undefined,
): Result<ProbePoint> {
  if (at.level === 'workflow') return fail('Artifacts are looked at in their results.');
  if (kind !== undefined && !MEASURED.has(kind)) return fail(`A ${kind} changes a layer; it carries no values.`);
  const source = giver(document, at, edge, layer);
  if (source === undefined) return fail('What flows here comes from outside of the model.');
  return ok({
    model: at.model,
    node: [...programPathAt(document, source.graph, source.layer), source.edge.from.node].join('/'),
    port: source.edge.from.port,
  });
}

interface Giver {
  readonly graph: ModelAddress;
  readonly edge: Edge;
  readonly layer: number | undefined;
}

/** A wire from the wall of a stack carries what the layer before gave, or what comes into the stack. */
function giver(document: Document, at: ModelAddress, edge: Edge, layer: number | undefined): Giver | undefined {
  if (edge.from.node !== WALL_IN) return { graph: at, edge, layer };
  const stack = stackAt(document, at);
  const container = at.path.at(-1);
  if (stack === undefined || container === undefined) return undefined;
  const inBody = (layer ?? stack.first) > stack.first && stack.carry.includes(edge.from.port);
  if (inBody) {
    const before = graphAt(document, at)?.edges.find((e) => e.to.node === WALL_OUT && e.to.port === edge.from.port);
    return before && giver(document, at, before, (layer ?? stack.first) - 1);
  }
  const around: ModelAddress = { ...at, path: at.path.slice(0, -1) };
  const outer = graphAt(document, around)?.edges.find((e) => e.to.node === container && e.to.port === edge.from.port);
  return outer && giver(document, around, outer, undefined);
}

/** `layers/3` for the body of a stack in its layer 3. */
function programPathAt(document: Document, at: ModelAddress, layer: number | undefined): readonly string[] {
  return at.path.flatMap((id, i) => {
    const node = nodeAt(document, { graph: { ...at, path: at.path.slice(0, i) }, node: id });
    if (node?.stack === undefined) return [id];
    return [stackName(id, node.stack), String(layer ?? node.stack.first)];
  });
}
