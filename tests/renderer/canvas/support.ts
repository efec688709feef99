/** The catalog of the real node types, and the example document, for tests of the canvas. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog, NodeTypeInfo } from '../../../engine/protocol/api/catalog.ts';
import type { CheckView } from '../../../engine/protocol/api/check.ts';
import { must } from '../../../engine/base/errors.ts';
import type { Document } from '../../../engine/protocol/document.ts';
import { inModel, type ModelAddress } from '../../../engine/protocol/edit.ts';
import { modelId, nodeId, type ModelId } from '../../../engine/protocol/ids.ts';
import { parseDocument } from '../../../engine/protocol/parse.ts';
import { NODES } from '../../../nodes/index.ts';
import { root } from '../../../build/setup.mjs';
import { indexCatalog, type TypeIndex } from '../../../renderer/canvas/model/catalog.ts';
import type { WireContext } from '../../../renderer/canvas/model/compatible.ts';
import { figuresOf, NO_FIGURES } from '../../../renderer/canvas/model/figures.ts';

export const catalog: Catalog = {
  nodes: NODES.map((n): NodeTypeInfo => {
    const { type, version, docs, inputs, outputs, params, bypass } = n;
    return {
      type,
      version,
      ...docs,
      inputs: inputs,
      outputs: outputs,
      params: params,
      bypass: bypass.kind,
      ...('peft' in n ? { peft: { startPoint: n.peft.startPoint.kind, mergeable: n.peft.mergeable } } : {}),
      bank: 'bank' in n,
    };
  }),
  methods: [],
  steps: [],
  templates: [],
};
export const types: TypeIndex = indexCatalog(catalog);

export function exampleDocument(): Document {
  const text = readFileSync(join(root, 'examples', 'first-steps.espalier.json'), 'utf8');
  const parsed = parseDocument(text, 'first-steps');
  return must(parsed.document, 'the example is sound');
}

export const MAIN: ModelId = modelId('main');
export const top: ModelAddress = inModel(MAIN);
export const body: ModelAddress = inModel(MAIN, nodeId('layers'));

export const contextFor = (document: Document, check?: CheckView): WireContext => ({
  document,
  types,
  figures: check ? figuresOf(check, MAIN) : NO_FIGURES,
});

/** A check that says what nodes give. */
export const checkOf = (
  shapes: Readonly<Record<string, string>>,
  diagnostics: CheckView['diagnostics'] = [],
): CheckView => ({
  revision: 1,
  phase: 'findings',
  milliseconds: 1,
  diagnostics,
  models: [
    {
      model: 'main',
      nodes: Object.entries(shapes).map(([node, output]) => ({ node, copies: 6, output, frozen: 0, trainable: 0 })),
      trainable: [],
      totals: { parameters: 0, backbone: 0, trainable: 0, head: 0, weightBytes: 0, trainingBytes: 0 },
    },
  ],
});
