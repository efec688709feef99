/** The trained values of an imported PEFT folder as a container of ours: for the start of a training, a bank, or predictions. */
import { must } from '../base/errors.ts';
import type { ModelId } from '../protocol/ids.ts';
import type { Backbone } from './backbone.ts';
import { documentOfModel, writeContainer, type ContainerData } from './container.ts';
import { sourceModules } from './modules.ts';
import type { ImportedPeft, ImportToolkit } from './peftImport.ts';
import type { HeadTask } from './toolkit.ts';

/** Texts are cut at what the usual scripts of PEFT take. */
const LONGEST = 128;

/** What a PEFT folder does not say of its data: its classes have no names, so they are called by their numbers. */
export const dataOfPeft = (task: HeadTask, longest: number): ContainerData => ({
  task: task.kind,
  labels: task.kind === 'regression' ? [] : Array.from({ length: task.outputs }, (_, i) => String(i)),
  text: ['text'],
  label: [],
  maxLength: Math.min(LONGEST, longest),
});

/** Writes the container durably. */
export function writeImported(
  path: string,
  { document, parameters }: ImportedPeft,
  model: ModelId,
  backbone: Backbone,
  toolkit: ImportToolkit,
): void {
  const graph = must(document.models[model], `model ${model}`);
  const task = must(toolkit.headTask(graph), 'an imported model has a head');
  writeContainer(
    path,
    {
      model,
      document: documentOfModel(document, model),
      modules: sourceModules(document, model, toolkit.registry),
      backbone: { reference: backbone.reference, hash: backbone.hash },
      sources: [],
      data: dataOfPeft(task, toolkit.textLimits(document, model).longest),
      primary: '',
      metrics: {},
    },
    [...parameters].map(([name, { shape, data }]) => ({ name, dtype: 'F32', shape, data })),
  );
}
