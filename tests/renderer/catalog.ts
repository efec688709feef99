/** The catalog as the service gives it, made of the nodes themselves; and the example document. */
import { readFileSync } from 'node:fs';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { parseDocument } from '../../engine/protocol/parse.ts';
import { STEP_TYPES } from '../../engine/workflow/stepTypes.ts';
import { NODES } from '../../nodes/index.ts';

export const catalog: Catalog = {
  nodes: NODES.map(({ type, version, docs, inputs, outputs, params, bypass, peft, bank }) => ({
    type,
    version,
    ...docs,
    inputs,
    outputs,
    params,
    bypass: bypass.kind,
    bank: bank === true,
    ...(peft === undefined ? {} : { peft: { startPoint: peft.startPoint.kind, mergeable: peft.mergeable } }),
  })),
  methods: [],
  steps: STEP_TYPES.map((s) => ({ ...s, model: 'model' in s && s.model })),
  templates: [],
};

const TYPES = new Set<string>([
  ...catalog.nodes.map((n) => n.type),
  ...catalog.steps.map((s) => s.type),
  'stack',
  'for-each',
]);

/** The document of a text, which must be sound. */
export function documentOf(text: string): Document {
  const { document, diagnostics } = parseDocument(text, 'test', { knows: (type) => TYPES.has(type) });
  if (document === undefined) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  return document;
}

/** MiniLM with LoRA on query and value, both by the recipe `lora`. */
export const example = (): Document => documentOf(readFileSync('examples/first-steps.espalier.json', 'utf8'));
