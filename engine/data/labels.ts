/** Sets of labels and tags: their order, and what kind of tags they are. */

/** Tags that mark entities (`O`, `B-PER`, `I-PER`), or plain classes of words such as parts of speech. */
export type TagScheme = 'bio' | 'plain';

const INTEGER = /^-?\d{1,15}$/;

/** Each label once: whole numbers by value, anything else by code point, so that the order is the same everywhere. */
export function sortLabels(labels: Iterable<string>): readonly string[] {
  const distinct = [...new Set(labels)];
  return distinct.every((label) => INTEGER.test(label))
    ? distinct.sort((a, b) => Number(a) - Number(b) || compare(a, b))
    : distinct.sort(compare);
}

/** `O` first, then by entity type, B before I; plain tags like labels. */
export function sortTags(tags: Iterable<string>): readonly string[] {
  const distinct = [...new Set(tags)];
  if (bioScheme(distinct) === 'plain') return sortLabels(distinct);
  return distinct.sort((a, b) => compare(typeOf(a), typeOf(b)) || compare(a, b));
}

/** `bio` when every tag is O or has the prefix B-, I-, E- or S- and at least one has a prefix. */
export function bioScheme(tags: readonly string[]): TagScheme {
  const marked = tags.filter((tag) => tag !== 'O');
  return marked.length > 0 && marked.every((tag) => /^[BIES]-./u.test(tag)) ? 'bio' : 'plain';
}

/** The index of a sentence for each I- tag that does not continue an entity of its type. */
export function openEntityRows(sentences: readonly (readonly string[])[]): readonly number[] {
  const rows: number[] = [];
  sentences.forEach((tags, row) => {
    let previous = 'O';
    for (const tag of tags) {
      if (tag.startsWith('I-') && (previous === 'O' || typeOf(previous) !== typeOf(tag))) rows.push(row);
      previous = tag;
    }
  });
  return rows;
}

const typeOf = (tag: string): string => (tag === 'O' ? '' : tag.slice(2));

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
