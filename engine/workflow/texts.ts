/** Texts that somebody typed, as data without labels. */
import { contentHash } from '../base/canonical.ts';
import { UserError } from '../base/errors.ts';
import type { Dataset } from '../data/task.ts';
import type { ContainerData } from './container.ts';

export interface GivenTexts {
  readonly first: readonly string[];
  /** The second text of each pair; empty for single texts. */
  readonly second: readonly string[];
  /** Where they are from, for messages. */
  readonly file: string;
}

/** Throws a `UserError` when the model takes pairs and got none, or the other way round. For tokens a text is cut at its blanks. */
export function textsDataset({ first, second, file }: GivenTexts, data: ContainerData): Dataset {
  const pair = data.text.length > 1;
  if (pair !== second.length > 0 || (pair && second.length !== first.length)) {
    const found = `${first.length} of --text, ${second.length} of --text-pair`;
    const message = pair ? 'The model takes pairs of texts.' : 'The model takes single texts.';
    const fix = pair ? 'Give one --text-pair for each --text.' : 'Leave --text-pair out.';
    throw new UserError({ code: 'predict-pairs', severity: 'error', where: {}, message, found, fix });
  }
  const inputs: Dataset['inputs'] =
    data.task === 'tokens'
      ? { kind: 'words', words: first.map(wordsOf) }
      : { kind: 'texts', first, ...(pair ? { second } : {}) };
  return {
    file,
    hash: contentHash([first, second]),
    columns: { task: data.task, text: data.text, label: [] },
    rows: first.length,
    rowNumbers: Int32Array.from(first, (_, i) => i + 1),
    inputs,
    targets: { kind: 'none' },
  };
}

export const wordsOf = (text: string): readonly string[] => text.split(/\s+/).filter((w) => w !== '');
