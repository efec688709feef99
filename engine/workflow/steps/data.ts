/** The steps that name data. Nothing is read: a data artifact is read by the step that needs its rows. */
import { resolve } from 'node:path';
import type { StepInstance } from '../../protocol/steps.ts';
import { paramsOf } from '../check.ts';
import { dataArtifact, splitData, type DataArtifact } from '../data.ts';

/** What a table gives; its path is relative to the folder of the document. */
export function tableStep(instance: StepInstance, folder: string): ReadonlyMap<string, DataArtifact> {
  const { file, format, badRows, task, text, label } = paramsOf(instance, 'data.table');
  const data = dataArtifact({
    file: resolve(folder, file),
    format: format === 'auto' ? undefined : format,
    badRows,
    columns: { task, text, label },
  });
  return new Map([['data', data]]);
}

/** The two sides of a split. */
export function splitStep(instance: StepInstance, data: DataArtifact): ReadonlyMap<string, DataArtifact> {
  const { share, seed } = paramsOf(instance, 'data.split');
  return new Map([
    ['train', splitData(data, { side: 'train', share, seed })],
    ['eval', splitData(data, { side: 'eval', share, seed })],
  ]);
}
