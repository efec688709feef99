/** How the settings of a training step are laid out: the few that everybody sets first, the rest by what they are about. */

export interface FieldGroup {
  readonly title: string;
  readonly names: readonly string[];
}

const TRAIN: readonly FieldGroup[] = [
  { title: 'Basic', names: ['epochs', 'lr', 'batch', 'maxLength'] },
  { title: 'Schedule', names: ['schedule', 'warmup', 'maxSteps', 'weightDecay', 'clip', 'beta1', 'beta2', 'epsilon'] },
  {
    title: 'Batches',
    names: ['order', 'accumulation', 'microBatchTokens', 'frozenDropout', 'cacheMegabytes', 'threads'],
  },
  { title: 'Evaluation', names: ['metric', 'evaluateEvery', 'keep', 'patience'] },
  { title: 'Reproducibility', names: ['seed', 'checkpointEvery'] },
];

/** The groups of a step's form; settings that no group names come last, so that none is ever lost. */
export function groupsOf(type: string, names: readonly string[]): readonly FieldGroup[] {
  if (type !== 'train') return [{ title: 'Settings', names }];
  const known = new Set(TRAIN.flatMap((g) => g.names));
  const rest = names.filter((n) => !known.has(n));
  const groups = TRAIN.map((g) => ({ ...g, names: g.names.filter((n) => names.includes(n)) }));
  return [...groups, { title: 'More', names: rest }].filter((g) => g.names.length > 0);
}

/** Names as people read them where the parameter's own name is a short code. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['lr', 'Learning rate'],
  ['batch', 'Batch size'],
  ['epochs', 'Epochs'],
  ['maxLength', 'Longest text'],
  ['warmup', 'Warm-up'],
  ['maxSteps', 'Most steps'],
  ['clip', 'Gradient clipping'],
  ['beta1', 'Beta 1'],
  ['beta2', 'Beta 2'],
  ['evaluateEvery', 'Evaluate every'],
  ['checkpointEvery', 'Checkpoint every'],
  ['cacheMegabytes', 'Cache'],
  ['microBatchTokens', 'Micro-batch tokens'],
  ['frozenDropout', 'Dropout in frozen layers'],
  ['rslora', 'rsLoRA scaling'],
  ['keep', 'State at the end'],
  ['inFeatures', 'Input width'],
  ['outFeatures', 'Output width'],
  ['init', 'Initial values'],
  ['p', 'Probability'],
  ['badRows', 'Unreadable rows'],
  ['text', 'Text columns'],
  ['label', 'Label columns'],
  ['peft', 'PEFT files'],
  ['headWidth', 'Head width'],
  ['keepEvery', 'Keep every'],
]);

/** `weightDecay` to `Weight decay`. */
export function paramTitle(name: string): string {
  const known = WORDS.get(name);
  if (known !== undefined) return known;
  const spaced = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Fields whose name, title or help hold all words of a search. */
export function matches(query: string, name: string, help: string): boolean {
  const text = `${name} ${paramTitle(name)} ${help}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
