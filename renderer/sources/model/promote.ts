/** Promoted ports: a port of an inner node that the container, or the model's step in the workflow, shows as its own. */
import { freeName } from '../../../engine/base/freeName.ts';
import { fail, ok } from '../../../engine/base/result.ts';
import type { Document, Graph, Promoted } from '../../../engine/protocol/document.ts';
import { graphAt, replaceGraph, type EditResult, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { isIdentifier, portId, type NodeId, type PortId } from '../../../engine/protocol/ids.ts';

const refused = (message: string, fix: string): EditResult =>
  fail([{ code: 'promote-refused', severity: 'warning', where: {}, message, fix }]);

export const promotedOf = (document: Document, at: ModelAddress): readonly Promoted[] =>
  graphAt(document, at)?.promoted ?? [];

export const isPromoted = (document: Document, at: ModelAddress, node: NodeId, port: PortId): boolean =>
  promotedOf(document, at).some((p) => p.node === node && p.port === port);

const withPromoted = (graph: Graph, promoted: readonly Promoted[]): Graph => {
  const { promoted: _before, ...rest } = graph;
  return promoted.length === 0 ? rest : { ...rest, promoted };
};

export const promote =
  (at: ModelAddress, node: NodeId, port: PortId, kind: Promoted['kind']) =>
  (document: Document): EditResult => {
    const graph = graphAt(document, at);
    if (graph === undefined || !(node in graph.nodes)) return refused('There is no such node.', 'Select a node.');
    const promoted = graph.promoted ?? [];
    if (promoted.some((p) => p.node === node && p.port === port)) return ok(document);
    const names = new Set<string>(promoted.map((p) => p.name));
    const name = portId(freeName(`${node}_${port}`, (n) => names.has(n)));
    return ok(replaceGraph(document, at, withPromoted(graph, [...promoted, { name, node, port, kind }])));
  };

export const unpromote =
  (at: ModelAddress, name: PortId) =>
  (document: Document): EditResult => {
    const graph = graphAt(document, at);
    if (graph === undefined) return ok(document);
    return ok(
      replaceGraph(
        document,
        at,
        withPromoted(
          graph,
          (graph.promoted ?? []).filter((p) => p.name !== name),
        ),
      ),
    );
  };

export const renamePromoted =
  (at: ModelAddress, name: PortId, to: string) =>
  (document: Document): EditResult => {
    const graph = graphAt(document, at);
    if (graph === undefined || name === to) return ok(document);
    if (!isIdentifier(to)) return refused(`"${to}" is no name of a port.`, 'Use letters, digits, "_" and "-".');
    if ((graph.promoted ?? []).some((p) => p.name === to))
      return refused(`A port "${to}" is there already.`, 'Choose another name.');
    const promoted = (graph.promoted ?? []).map((p) => (p.name === name ? { ...p, name: portId(to) } : p));
    return ok(replaceGraph(document, at, withPromoted(graph, promoted)));
  };
