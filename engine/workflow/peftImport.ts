/**
 * A PEFT folder put into a model of a document: its modules through the presets, then what presets cannot say (other ranks
 * in some layers, modules outside of the layers), and the trained values by our paths. The result must fit back into the
 * same tensors, so that nothing of the folder is left out and nothing is made up.
 */
import { BugError, must, UserError, type Diagnostic, type Place } from '../base/errors.ts';
import type { Result } from '../base/result.ts';
import type { PeftConfig } from '../checkpoints/peft/config.ts';
import { openPeftFolder, readPeftTensors, type PeftFolder } from '../checkpoints/peft/folder.ts';
import { headTensor } from '../checkpoints/peft/names.ts';
import type { Document, Params } from '../protocol/document.ts';
import type { ModelId } from '../protocol/ids.ts';
import type { Backbone } from './backbone.ts';
import { addModules } from './peft/addModules.ts';
import { familyOf, fitPeft, type PeftFit, type PeftToolkit } from './peft/fit.ts';
import { activeNodes, docksOf, levelsOf, modulesOf } from './peft/levels.ts';
import * as messages from './peft/messages.ts';
import type { TensorSource } from './peft/plan.ts';
import type { HeadTask } from './toolkit.ts';

/** What importing needs of the nodes beside what exporting does. */
export interface ImportToolkit extends PeftToolkit {
  /** Adds the modules of a preset to a model; fails in words. */
  readonly applyPreset: (document: Document, model: ModelId, name: string, params: Params) => Result<Document>;
}

export interface ImportRequest {
  readonly folder: string;
  readonly document: Document;
  /** A model without modules, with a head for the task of the folder. */
  readonly model: ModelId;
  readonly backbone: Backbone;
  readonly toolkit: ImportToolkit;
}

export interface ImportedPeft {
  readonly document: Document;
  readonly config: PeftConfig;
  /** Every trainable parameter by path, in row-major order. */
  readonly parameters: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

/** What the head of a folder is made for. One output is a number, several are classes. */
export function taskOfPeft(path: string): HeadTask {
  const { config, file, folder } = openPeftFolder(path);
  const heads = ['classifier.out_proj', 'classifier'].flatMap((module) =>
    [true, false].map((isPrompt) => headTensor(module, 'weight', isPrompt)),
  );
  const outputs = heads.flatMap((name) => file.tensors.get(name)?.shape[0] ?? [])[0];
  if (outputs === undefined) throw new UserError(messages.noHead({ file: folder }, config.task));
  if (config.task === 'TOKEN_CLS') return { kind: 'tokens', outputs };
  return { kind: outputs === 1 ? 'regression' : 'classification', outputs };
}

/** Throws a `UserError` with everything in the folder that does not fit the model; nothing is changed then. */
export function importPeft(request: ImportRequest): ImportedPeft {
  const opened = openPeftFolder(request.folder);
  const document = withModules(request, opened);
  const { model, backbone, toolkit } = request;
  const where: Place = { file: opened.folder, model };
  const fit = fitPeft({ document, model, backbone, toolkit });
  if (!fit.ok) throw new UserError(messages.cannotHold(where, fit.error));
  const differences = comparedWith(opened.config, fit.value.config, where);
  if (differences.length > 0) throw new UserError(differences);
  const expected = new Map(fit.value.tensors.map(({ name, shape }) => [name, shape]));
  const values = readPeftTensors(opened, expected);
  return { document, config: opened.config, parameters: parametersOf(fit.value, values) };
}

function withModules({ document, model, backbone, toolkit }: ImportRequest, { config, folder }: PeftFolder): Document {
  const where: Place = { file: folder, model };
  const graph = must(document.models[model], `model ${model}`);
  const head = toolkit.headTask(graph);
  if (!head) throw new UserError(messages.cannotHold(where, 'the model must have exactly one head'));
  const facts = { config: backbone.checkpoint.config, tensorNames: new Set(backbone.aliases.keys()) };
  const plain = toolkit.plainGraph(facts, head);
  if (!plain.ok) throw new UserError(plain.error);
  const context = { document, registry: toolkit.registry };
  const levels = levelsOf(graph);
  const present = levels.flatMap((l) => activeNodes(context, l)).filter((n) => n.definition.peft !== undefined);
  if (present.length > 0) {
    throw new UserError(messages.hasModules(where, [...new Set(present.map((n) => n.definition.docs.title))]));
  }
  const family = familyOf(backbone, head.kind);
  const docks = docksOf(context, levels, family.root);
  return addModules(
    {
      document,
      model,
      context: { docks, modules: modulesOf(docks, family.root, family.heads), registry: toolkit.registry },
      applyPreset: toolkit.applyPreset,
      where,
    },
    config,
  );
}

/** What the folder says of its task and backbone against what the model is. */
function comparedWith(folder: PeftConfig, model: PeftConfig, where: Place): readonly Diagnostic[] {
  const pairs: [string, string | number | undefined, string | number | undefined][] = [
    ['task_type', folder.task, model.task],
  ];
  if ('virtualTokens' in folder && 'virtualTokens' in model) {
    pairs.push(
      ['token_dim', folder.width, model.width],
      ['num_layers', folder.layerCount, model.layerCount],
      ['num_attention_heads', folder.heads, model.heads],
    );
  }
  return pairs.flatMap(([field, has, wants]) =>
    has === undefined || has === wants ? [] : [messages.otherValue(where, field, String(wants), String(has))],
  );
}

function parametersOf(
  { tensors, shapes }: PeftFit,
  values: ReadonlyMap<string, Float32Array>,
): ImportedPeft['parameters'] {
  const parameters = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>();
  for (const { name, shape, source } of tensors) {
    const data = must(values.get(name), name);
    for (const [path, own] of taken(source, data, shape[0] ?? 1)) {
      parameters.set(path, { shape: must(shapes.get(path), path), data: own });
    }
  }
  return parameters;
}

/** The parameters that a tensor of `rows` rows is made of. */
function taken(source: TensorSource, data: Float32Array, rows: number): (readonly [string, Float32Array])[] {
  if (source.kind === 'whole') return [[source.path, data]];
  if (source.kind === 'prefixMlp') throw new BugError('importing makes no MLP');
  const width = data.length / rows / source.paths.length;
  return source.paths.map((path, k) => {
    const own = new Float32Array(rows * width);
    for (let r = 0; r < rows; r++) {
      const at = (r * source.paths.length + k) * width;
      own.set(data.subarray(at, at + width), r * width);
    }
    return [path, own];
  });
}
