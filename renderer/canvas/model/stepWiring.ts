/** Whether a wire may be drawn between two steps, and if not, why. */
import type { Document, Workflow } from '../../../engine/protocol/document.ts';
import { connect, graphAt, type WorkflowAddress } from '../../../engine/protocol/edit.ts';
import { isWall, WALL_IN, WALL_OUT, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';
import type { TypeIndex } from './catalog.ts';
import { kindFits, kindWords } from './kinds.ts';
import { ANY_KIND } from './ports.ts';
import { stepPorts } from './workflowScene.ts';

export interface StepEnd {
  readonly at: WorkflowAddress;
  readonly node: NodeId;
  readonly port: PortId;
}

function kindOf(
  document: Document,
  types: TypeIndex,
  end: StepEnd,
  side: 'inputs' | 'outputs',
): { kind: string; many: boolean } | undefined {
  const graph = graphAt(document, end.at) as Workflow | undefined;
  if (!graph) return undefined;
  if (isWall(end.node))
    return (end.node === WALL_IN) === (side === 'outputs')
      ? { kind: ANY_KIND, many: end.node === WALL_OUT }
      : undefined;
  const step = graph.nodes[end.node];
  return step && stepPorts(document, end.node, step, graph, types)[side].find((p) => p.name === end.port);
}

export function stepWhyNot(document: Document, types: TypeIndex, from: StepEnd, to: StepEnd): string | undefined {
  if (from.at.path.join('/') !== to.at.path.join('/')) {
    return 'A wire cannot pass through the wall of a container. Use one of the ports on its rails.';
  }
  const giving = kindOf(document, types, from, 'outputs');
  const taking = kindOf(document, types, to, 'inputs');
  if (!giving || !taking) return 'A wire goes from an output to an input.';
  if (!kindFits(giving.kind, taking.kind)) {
    return `"${to.port}" of "${to.node}" takes ${kindWords(taking.kind)}, this wire carries ${kindWords(giving.kind)}.`;
  }
  const graph = graphAt(document, from.at);
  const there = graph?.edges.find((e) => e.to.node === to.node && e.to.port === to.port && e.from.node !== from.node);
  if (!taking.many && there) return `"${to.port}" takes one wire and has one from "${there.from.node}".`;
  const tried = connect(document, from.at, {
    from: { node: from.node, port: from.port },
    to: { node: to.node, port: to.port },
  });
  return tried.ok ? undefined : tried.error.map((d) => `${d.message} ${d.fix}`).join(' ');
}
