/** The templates that ship with the app: a method on the small sample data, ready to train. */
import { recordOf } from '../protocol/ids.ts';
import type { Params } from '../protocol/document.ts';
import type { Template } from '../service/toolkit.ts';

const training = (values: Readonly<Record<string, Params[string]>>): Params => recordOf(Object.entries(values));

const plain = (
  name: string,
  title: string,
  help: string,
  method: string,
  methodParams: Template['methodParams'] = {},
  more: Readonly<Record<string, Params[string]>> = {},
): Template => ({
  name,
  title,
  help,
  method,
  methodParams,
  training: training({ epochs: 3, batch: 16, maxLength: 64, ...more }),
  data: 'first-steps.csv',
  evaluation: 'first-steps.eval.csv',
  sources: [],
});

export const TEMPLATES: readonly Template[] = [
  plain('lora', 'LoRA', 'Low-rank updates of the query and value projections.', 'lora', { targets: 'query,value' }),
];
