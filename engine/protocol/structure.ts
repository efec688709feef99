/**
 * The structure of a document as far as it can be checked without knowing node types: wires, walls, cycles, references,
 * layers and overrides. All findings are reported at once and nothing is changed: a document with problems stays open and
 * can be saved. Ports, wire kinds and parameters of node types are checked by the compiler.
 */
import type { Diagnostic } from '../base/errors.ts';
import type { Document } from './document.ts';
import { checkLayers, checkSharedLayers, checkStackParts } from './structure/layers.ts';
import { checkReferences } from './structure/references.ts';
import { checkForEachWalls, checkRecursion, checkUnfoldedSize } from './structure/workflow.ts';
import { checkStackPorts, checkStackWall, checkWiring, type WiringContext } from './structure/wiring.ts';
import { modelGraphs, modelPlace, stepPlace, workflowGraphs, type ModelGraph } from './walk.ts';

/** All structural findings; `file`, when given, becomes part of each place. Never throws on a parsed document. */
export function checkStructure(document: Document, file?: string): readonly Diagnostic[] {
  const found = [
    ...modelGraphs(document).flatMap((at) => checkModelGraph(at)),
    ...workflowGraphs(document).flatMap((at) => [
      ...checkWiring(at.graph, { place: (id) => stepPlace(at, id), isBody: at.container !== undefined }),
      ...checkForEachWalls(at),
    ]),
    ...checkReferences(document),
    ...checkSharedLayers(document),
    ...checkRecursion(document),
    ...checkUnfoldedSize(document),
  ];
  return file === undefined ? found : found.map((d) => ({ ...d, where: { file, ...d.where } }));
}

function checkModelGraph(at: ModelGraph): readonly Diagnostic[] {
  const context: WiringContext = { place: (id) => modelPlace(at, id), isBody: at.path.length > 0 };
  return [
    ...checkWiring(at.graph, context),
    ...(at.stack === undefined ? [] : checkStackWall(at.graph, at.stack, modelPlace(at))),
    ...checkStackPorts(at.graph, context),
    ...checkLayers(at),
    ...checkStackParts(at.graph, at),
  ];
}
