/** What the checks of data mean, in words, with what to do. */
import type { DataChecks } from '../../engine/protocol/api/data.ts';

export interface Finding {
  readonly tone: 'good' | 'note' | 'warning';
  readonly title: string;
  readonly text: string;
  /** A length that would cut next to nothing, to be set on the training step. */
  readonly length?: number;
}

const count = (n: number): string => n.toLocaleString('en-US');
const percent = (share: number): string => {
  const value = share * 100;
  return value > 0 && value < 0.1 ? '< 0.1 %' : `${value >= 10 ? Math.round(value) : Number(value.toFixed(1))} %`;
};
const rows = (n: number): string => `${count(n)} ${n === 1 ? 'row' : 'rows'}`;

/** A class with less than this share of an even one is hardly learned. */
const RARE = 0.2;
const UNEVEN = 0.7;
/** Texts that may be cut without a word. */
const CUT = 0.02;

export function findingsOf(checks: DataChecks): readonly Finding[] {
  return [balance(checks), duplicates(checks), leaks(checks), truncated(checks)].filter((f) => f !== undefined);
}

function balance({ classes, majority }: DataChecks): Finding | undefined {
  const all = classes.reduce((n, c) => n + c.count, 0);
  if (classes.length < 2 || all === 0) return undefined;
  const even = all / classes.length;
  const rare = classes.filter((c) => c.count < even * RARE);
  const [largest] = [...classes].sort((a, b) => b.count - a.count);
  const base = `Always answering "${largest?.label ?? ''}" is right in ${percent(majority)}; a model must beat that.`;
  if (rare.length > 0)
    return {
      tone: 'warning',
      title: `${rare.length === 1 ? `Class "${rare[0]?.label ?? ''}" is` : `${rare.length} classes are`} rare`,
      text: `${base} Judge by macro F1, and gather more rows of ${rare
        .map((c) => `"${c.label}"`)
        .slice(0, 4)
        .join(', ')}.`,
    };
  if (majority > UNEVEN)
    return {
      tone: 'warning',
      title: 'One class dominates',
      text: `${base} Judge by macro F1 or Matthews correlation.`,
    };
  return { tone: 'good', title: 'Classes are balanced', text: base };
}

function duplicates({ duplicates: n, rows: all }: DataChecks): Finding {
  if (n === 0) return { tone: 'good', title: 'No row repeats', text: 'Every text stands there once.' };
  return {
    tone: n / Math.max(1, all) > 0.01 ? 'warning' : 'note',
    title: `${rows(n)} ${n === 1 ? 'repeats' : 'repeat'} an earlier text`,
    text: 'They count twice in training. Remove them unless that is meant.',
  };
}

function leaks({ leaks: n }: DataChecks): Finding {
  if (n === 0) return { tone: 'good', title: 'No leak', text: 'No evaluation text stands in the training data.' };
  return {
    tone: 'warning',
    title: `${rows(n)} of the evaluation ${n === 1 ? 'is' : 'are'} in the training data`,
    text: 'The metric looks better than it is. Take these texts out of one of the two.',
  };
}

function truncated(checks: DataChecks): Finding | undefined {
  const { truncatedShare, maxLength, lengths } = checks;
  if (lengths.length === 0) return undefined;
  if (truncatedShare === 0) {
    const longest = lengths.at(-1)?.upTo ?? maxLength;
    return {
      tone: 'good',
      title: 'No text is cut',
      text: `The longest has ${count(longest)} tokens, the limit is ${count(maxLength)}.`,
    };
  }
  const wanted = lengthFor(checks);
  return {
    tone: truncatedShare > CUT ? 'warning' : 'note',
    title: `${percent(truncatedShare)} of the texts are cut at ${count(maxLength)} tokens`,
    text:
      wanted === undefined
        ? 'What is beyond is not read.'
        : `What is beyond is not read. At ${count(wanted)} tokens next to nothing is cut; steps take longer.`,
    ...(wanted === undefined ? {} : { length: wanted }),
  };
}

/** The smallest end of a bar that leaves at most 1 % of the texts longer; missing when the limit is there already. */
export function lengthFor({ lengths, maxLength }: Pick<DataChecks, 'lengths' | 'maxLength'>): number | undefined {
  const all = lengths.reduce((n, bar) => n + bar.count, 0);
  let below = 0;
  for (const { upTo, count: n } of lengths) {
    below += n;
    if (below / Math.max(1, all) >= 0.99) return upTo > maxLength ? upTo : undefined;
  }
  return undefined;
}
