/** Parts of a document that a benchmark looks at: the parameters of its steps, its data, its compiled model. */
import { dirname, resolve } from 'node:path';
import { must, UserError } from '../../engine/base/errors.ts';
import { makeToolkit } from '../../engine/cli/toolkit.ts';
import type { CompiledModel } from '../../engine/compile/model.ts';
import type { ModelReport } from '../../engine/compile/report.ts';
import { modelId } from '../../engine/protocol/ids.ts';
import { unfoldWorkflow } from '../../engine/protocol/steps.ts';
import { openBackbone, type Backbone } from '../../engine/workflow/backbone.ts';
import { checkModels, paramsOf } from '../../engine/workflow/check.ts';
import { compileSetup } from '../../engine/workflow/compileModelStep.ts';
import { dataArtifact, type DataArtifact } from '../../engine/workflow/data.ts';
import { loadDocument, type LoadedDocument } from '../../engine/workflow/loadDocument.ts';
import type { StepParamValues, StepTypeName, StepTypeOf } from '../../engine/workflow/stepTypes.ts';
import { HOME } from './bench.ts';

const MAIN = modelId('main');

export function loadedOf(file: string): LoadedDocument {
  const { loaded, diagnostics } = loadDocument(file, makeToolkit().registry);
  if (!loaded || diagnostics.some((d) => d.severity === 'error')) throw new UserError(diagnostics);
  return loaded;
}

export function stepParams<T extends StepTypeName>(
  { document }: LoadedDocument,
  id: string,
  type: T,
): StepParamValues<StepTypeOf<T>['params']> {
  const instance = must(
    unfoldWorkflow(document).find((i) => i.id === id),
    `step "${id}"`,
  );
  return paramsOf(instance, type);
}

/** The rows of a step that reads a table. */
export function input(loaded: LoadedDocument, step: string): DataArtifact {
  const p = stepParams(loaded, step, 'data.table');
  return dataArtifact({
    file: resolve(loaded.folder, p.file),
    format: p.format === 'auto' ? undefined : p.format,
    badRows: p.badRows,
    columns: { task: p.task, text: p.text, label: p.label },
  });
}

export interface BenchModel {
  readonly compiled: CompiledModel;
  readonly backbone: Backbone;
  readonly firstPosition: number;
}

/** The document's model, compiled on its backbone for training. */
export function benchModel(file: string): BenchModel {
  const loaded = loadedOf(file);
  const toolkit = makeToolkit();
  const { document } = loaded;
  const backbone = openBackbone(stepParams(loaded, 'model', 'model').backbone, dirname(file), HOME);
  const { longest, firstPosition } = toolkit.textLimits(document, MAIN);
  const setup = { document, model: MAIN, backbone, sources: [] };
  const { compiled, diagnostics } = compileSetup(setup, toolkit, { training: true, maxLength: longest });
  if (!compiled) throw new UserError(diagnostics);
  return { compiled, backbone, firstPosition };
}

/** What `espalier check` predicts for the document's model. */
export function predictedCosts(file: string): ModelReport {
  const { models, diagnostics } = checkModels(loadedOf(file), makeToolkit(), { home: HOME });
  const found = models.find((m) => m.model === MAIN);
  if (!found) throw new UserError(diagnostics);
  return found.report;
}
