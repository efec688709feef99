/** The explicit list of presets, and how one is put into a document. */
import { fail, ok, type Result } from '../../engine/base/result.ts';
import { readParam, type ParamValue } from '../../engine/nodekit/params.ts';
import { entriesOf, recordOf, type BankId, type ModelId } from '../../engine/protocol/ids.ts';
import type { Document, Graph } from '../../engine/protocol/document.ts';
import { average, fusion, scalearn } from './mixtures.ts';
import { headOnly, houlsby, parallel, pfeiffer, prefix, prefixMlp, prompt } from './modules.ts';
import type { AnyPreset } from './rewrite.ts';
import { bitfit, dora, ia3, lntuning, lora, rslora, unfreeze } from './transforms.ts';

export const PRESETS = [
  headOnly,
  lora,
  rslora,
  dora,
  ia3,
  bitfit,
  lntuning,
  unfreeze,
  houlsby,
  pfeiffer,
  parallel,
  prompt,
  prefix,
  prefixMlp,
  fusion,
  scalearn,
  average,
] as const;

export const presetNames = (): string[] => PRESETS.map((p: AnyPreset) => p.name);

/** Adds the modules of a preset to a model of the document. Fails in words; the document is unchanged then. */
export function applyPreset(
  document: Document,
  model: ModelId,
  name: string,
  given: Readonly<Record<string, unknown>>,
  bank?: BankId,
): Result<Document> {
  const preset = PRESETS.find<AnyPreset>((p): p is AnyPreset => p.name === name);
  if (!preset) return fail(`no method is named "${name}"; choose one of ${presetNames().join(', ')}`);
  const graph = document.models[model];
  if (!graph) return fail(`the document has no model "${model}"`);
  const params: Record<string, ParamValue> = {};
  for (const [key, spec] of Object.entries(preset.params)) params[key] = spec.default;
  for (const [key, value] of Object.entries(given)) {
    const spec = preset.params[key];
    if (!spec)
      return fail(`"${name}" has no parameter "${key}"; it has ${Object.keys(preset.params).join(', ') || 'none'}`);
    const read = readParam(spec, value);
    if (!('value' in read)) return fail(`parameter "${key}" of "${name}" ${read.problem}`);
    params[key] = read.value;
  }
  const edited = preset.apply(
    { graph, recipes: document.recipes, ...(bank === undefined ? {} : { bank }) },
    params as never,
  );
  if (!edited.ok) return edited;
  const models = recordOf(
    entriesOf<ModelId, Graph>(document.models).map(([k, v]) => [k, k === model ? edited.value.graph : v] as const),
  );
  return ok({ ...document, models, recipes: edited.value.recipes });
}
