/** The templates that ship with the app: each method on the small sample data, with the settings that its paper uses. */
import type { Params } from '../protocol/document.ts';
import { recordOf } from '../protocol/ids.ts';
import type { NewSource, Template } from '../service/toolkit.ts';
import { defaultRate } from './newDocument.ts';

type Values = Readonly<Record<string, Params[string]>>;
const params = (values: Values): Params => recordOf(Object.entries(values));

const plain = (
  name: string,
  title: string,
  help: string,
  method: string,
  methodParams: Template['methodParams'] = {},
  more: Values = {},
): Template => ({
  name,
  title,
  help,
  method,
  methodParams,
  training: params({ epochs: 3, batch: 16, maxLength: 64, lr: defaultRate(method), ...more }),
  data: 'first-steps.csv',
  evaluation: 'first-steps.eval.csv',
  sources: [],
});

/** Three small tasks about the same plants as the sample: what is said in anger, what it is about, how soon it matters. */
const SOURCES: readonly NewSource[] = [
  { name: 'tone', file: 'source-tone.csv' },
  { name: 'topic', file: 'source-topic.csv' },
  { name: 'urgency', file: 'source-urgency.csv' },
];

const mixture = (
  name: string,
  title: string,
  help: string,
  method: string,
  methodParams: Template['methodParams'],
): Template => ({
  ...plain(name, title, help, method, methodParams),
  sourceTraining: params({ epochs: 3, batch: 16, maxLength: 64, lr: defaultRate('pfeiffer') }),
  sources: SOURCES,
});

export const TEMPLATES: readonly Template[] = [
  plain('lora', 'LoRA', 'Low-rank updates of the query and value projections. A good first choice.', 'lora', {
    r: 8,
    alpha: 16,
    targets: 'query,value',
  }),
  plain(
    'lora-all',
    'LoRA on all linear layers',
    'Low-rank updates everywhere in the stack, of a smaller rank.',
    'lora',
    {
      r: 4,
      alpha: 8,
      targets: 'all-linear',
    },
  ),
  plain('rslora', 'rsLoRA', 'LoRA whose scale stays stable at high ranks: alpha / sqrt(r).', 'rslora', {
    r: 32,
    alpha: 16,
    targets: 'query,value',
  }),
  plain('dora', 'DoRA', 'Low-rank updates of the direction, and a learnt magnitude per output.', 'dora', {
    r: 8,
    alpha: 16,
    targets: 'query,value',
  }),
  plain(
    'ia3',
    '(IA)³',
    'Three learnt vectors per layer that scale keys, values and the hidden layer.',
    'ia3',
    {},
    { lr: 5e-3 },
  ),
  plain('bitfit', 'BitFit', 'Trains the biases of the backbone alone.', 'bitfit'),
  plain('prefix', 'Prefix tuning', 'Learnt keys and values before those of the text, in every layer.', 'prefix', {
    size: 20,
  }),
  plain('prompt', 'Soft prompt', 'Learnt vectors before the tokens of the text.', 'prompt', { size: 10 }),
  plain(
    'houlsby',
    'Houlsby adapters',
    'Two bottleneck adapters per layer, after attention and feed-forward.',
    'houlsby',
  ),
  plain('pfeiffer', 'Pfeiffer adapters', 'One bottleneck adapter per layer, after the feed-forward.', 'pfeiffer'),
  plain('parallel', 'Parallel adapters', 'A bottleneck adapter beside the feed-forward of every layer.', 'parallel'),
  mixture(
    'fusion',
    'AdapterFusion over three sources',
    'Trains an adapter for each of three tasks, then attention that mixes them for a fourth.',
    'fusion',
    {},
  ),
  mixture(
    'scalearn',
    'ScaLearn over three sources',
    'Trains an adapter for each of three tasks, then learns how much of each to add for a fourth.',
    'scalearn',
    { variant: 'scalearn' },
  ),
  plain('head', 'Head only', 'The frozen backbone with a trained head: what every method is compared with.', 'head'),
];
