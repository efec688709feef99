/** A model of the document on its backbone, compiled: banks filled, the head fitted to data, weights found by name. */
import { UserError, type Diagnostic } from '../base/errors.ts';
import { compileModel, newMemo, type Compilation, type CompileMemo } from '../compile/model.ts';
import { evaluateDim } from '../ir/dim.ts';
import type { WeightRef } from '../nodekit/scope.ts';
import type { Document } from '../protocol/document.ts';
import { recordOf, type ModelId } from '../protocol/ids.ts';
import { backboneShape, type Backbone } from './backbone.ts';
import { artifactOf, compilerBanks, type AdapterArtifact, type BankSource } from './banks.ts';
import * as messages from './messages.ts';
import { sourceModules } from './modules.ts';
import type { HeadTask, Toolkit } from './toolkit.ts';

/** Everything that a model is compiled from. */
export interface ModelSetup {
  /** The model in it is fitted to its data already. */
  readonly document: Document;
  readonly model: ModelId;
  /** Missing when only the graph can be checked. */
  readonly backbone?: Backbone;
  readonly sources: readonly BankSource[];
}

/** The document with the head of a model made for a task. Throws a `UserError` when it cannot serve it. */
export function fittedDocument(document: Document, model: ModelId, task: HeadTask, toolkit: Toolkit): Document {
  const graph = document.models[model];
  const fitted = graph && toolkit.fitHead(graph, task);
  if (!fitted?.ok) throw new UserError(messages.cannotFit({ model }, fitted?.error ?? 'there is no such model'));
  const models = Object.entries(document.models).map(([id, g]) => [id, id === model ? fitted.value : g] as const);
  return { ...document, models: recordOf(models) };
}

/**
 * The document whose head fits the data that its model trains on: made for `fitTo` when the model step takes data. Throws a
 * `UserError` when the head is for another task or has another number of outputs than the data has labels.
 */
export function documentForData(
  document: Document,
  model: ModelId,
  data: { readonly wanted: HeadTask; readonly fitTo: HeadTask | undefined },
  toolkit: Toolkit,
): Document {
  const { wanted, fitTo } = data;
  const fitted = fitTo === undefined ? document : fittedDocument(document, model, fitTo, toolkit);
  const graph = fitted.models[model];
  const head = graph && toolkit.headTask(graph);
  if (head && head.kind !== wanted.kind) throw new UserError(messages.taskDiffers({ model }, head.kind, wanted.kind));
  if (head && head.outputs !== wanted.outputs)
    throw new UserError(messages.outputsDiffer({ model }, head.outputs, wanted.outputs));
  return fitted;
}

export interface CompileOptions {
  readonly training: boolean;
  readonly maxLength: number;
  readonly memo?: CompileMemo;
}

export function compileSetup(setup: ModelSetup, toolkit: Toolkit, options: CompileOptions): Compilation {
  const { document, model, backbone, sources } = setup;
  const shapes = new Map(sources.map((s) => [artifactOf(s), s.adapter]));
  const weightShape = (ref: WeightRef): readonly number[] | undefined =>
    ref.artifact === 'backbone'
      ? backbone && backboneShape(backbone, ref.tensor)
      : shapes.get(ref.artifact)?.shape(ref.tensor);
  return compileModel({
    document,
    model,
    registry: toolkit.registry,
    training: options.training,
    banks: compilerBanks(sources),
    maxLength: options.maxLength,
    ...(backbone ? { weightShape } : {}),
    ...(options.memo ? { memo: options.memo } : {}),
  });
}

/** What a model will give to banks once it is trained. */
export function plannedAdapter(setup: ModelSetup, toolkit: Toolkit, diagnostics: Diagnostic[]): AdapterArtifact {
  const { backbone: _unused, ...graphOnly } = setup;
  const { compiled, diagnostics: found } = compileSetup(graphOnly, toolkit, {
    training: true,
    maxLength: toolkit.textLimits(setup.document, setup.model).longest,
    memo: newMemo(),
  });
  diagnostics.push(...found);
  const shapes = new Map(
    (compiled?.parameters ?? [])
      .filter((p) => p.role === 'trainable')
      .map((p) => [p.name, p.type.shape.map((d) => evaluateDim(d, new Map()))] as const),
  );
  return {
    modules: sourceModules(setup.document, setup.model, toolkit.registry),
    shape: (tensor) => shapes.get(tensor),
    read: () => {
      throw new UserError(messages.notTrainedYet({ model: setup.model }));
    },
  };
}
