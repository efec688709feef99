/** Ranks commands and other entries for what a person typed. */

export interface Searchable {
  readonly id: string;
  readonly title: string;
  readonly words?: readonly string[] | undefined;
}

/** How well `text` fits a title: larger is better, undefined when it does not. Letters must come in order. */
export function scoreText(text: string, title: string): number | undefined {
  const wanted = text.toLowerCase().trim();
  const where = title.toLowerCase();
  if (wanted === '') return 0;
  if (where === wanted) return 1000;
  const at = where.indexOf(wanted);
  if (at === 0) return 900 - where.length / 10;
  if (at > 0) return (/[\s.:(-]/.test(where[at - 1] ?? '') ? 800 : 600) - where.length / 10;
  const words = wanted.split(/\s+/);
  if (words.length > 1 && words.every((w) => where.includes(w))) return 500 - where.length / 10;
  return scattered(wanted.replace(/\s+/g, ''), where);
}

const startsWord = (where: string, at: number): boolean => at === 0 || /[\s.:(-]/.test(where[at - 1] ?? '');

/** The next place of a sign: where a word starts with it, else anywhere. */
function placeOf(sign: string, where: string, from: number): number {
  for (let at = where.indexOf(sign, from); at >= 0; at = where.indexOf(sign, at + 1))
    if (startsWord(where, at)) return at;
  return where.indexOf(sign, from);
}

/** Letters spread over the title; starts of words count more, gaps cost. */
function scattered(wanted: string, where: string): number | undefined {
  let score = 300;
  let from = 0;
  for (const sign of wanted) {
    const at = placeOf(sign, where, from);
    if (at < 0) return undefined;
    score += (startsWord(where, at) ? 12 : 0) - Math.min(20, at - from) * (from === 0 ? 0.5 : 3);
    from = at + 1;
  }
  // Letters that lie all over a long text are no answer.
  return score > 240 ? score - 200 - where.length / 10 : undefined;
}

/** Entries that fit, the best first; without a text those that were used lately, then the order of the list. */
export function rank<T extends Searchable>(
  entries: readonly T[],
  text: string,
  recent: readonly string[],
): readonly T[] {
  const lately = (id: string): number => {
    const at = recent.indexOf(id);
    return at < 0 ? 0 : 1 - at / recent.length;
  };
  if (text.trim() === '') {
    const first = recent.flatMap((id) => entries.find((e) => e.id === id) ?? []);
    return [...first, ...entries.filter((e) => !first.includes(e))];
  }
  return entries
    .flatMap((entry, order) => {
      const scores = [
        scoreText(text, entry.title),
        entry.id.toLowerCase() === text.toLowerCase().trim() ? 2000 : undefined,
        ...(entry.words ?? []).map((word) => {
          const score = scoreText(text, word);
          return score === undefined ? undefined : score - 120;
        }),
      ].filter((score) => score !== undefined);
      return scores.length === 0 ? [] : [{ entry, order, score: Math.max(...scores) + 40 * lately(entry.id) }];
    })
    .sort((a, b) => b.score - a.score || a.order - b.order)
    .map(({ entry }) => entry);
}
