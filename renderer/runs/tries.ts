/** Answers of trained models to texts, as the try-it box shows them. */
import type { TryResult } from '../../engine/protocol/api/runs.ts';

export type Answer =
  | {
      readonly kind: 'labels';
      readonly best: string;
      readonly bars: readonly { readonly label: string; readonly share: number }[];
    }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'tags'; readonly words: readonly { readonly word: string; readonly tag: string }[] }
  | { readonly kind: 'none' };

/** What to draw of a result: tags of words, a number, or labels by their scores. */
export function answerOf(result: TryResult): Answer {
  if (result.tags !== undefined) return { kind: 'tags', words: result.tags };
  const bars = Object.entries(result.scores)
    .map(([label, share]) => ({ label, share }))
    .sort((a, b) => b.share - a.share);
  const [first] = bars;
  if (first) return { kind: 'labels', best: result.label ?? first.label, bars };
  if (result.value !== undefined) return { kind: 'value', value: result.value };
  return result.label === undefined ? { kind: 'none' } : { kind: 'labels', best: result.label, bars: [] };
}

/** Texts of a box: one per line, empty lines left out. */
export const textsOf = (box: string): readonly string[] =>
  box
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** The outside tag and the prefix of a tag that begins or goes on with an entity. */
export const entityOf = (tag: string): string | undefined => (tag === 'O' ? undefined : tag.replace(/^[BIESU]-/, ''));

/** Keeps what was tried, the newest first, each once. */
export const withHistory = (history: readonly string[], text: string, most = 30): readonly string[] =>
  [text, ...history.filter((t) => t !== text)].slice(0, most);
