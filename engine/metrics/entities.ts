/**
 * Entities in a sequence of tags, and their F1, by the rules of seqeval's default (lenient) mode: an entity counts as found
 * when type, first and last word are right; an I-X that does not continue an X begins a new entity.
 *
 * Reference: Nakayama 2018, seqeval; it follows the script conlleval.
 */
import { f1Of, ratio, type ClassScore } from './confusion.ts';

export interface Entity {
  readonly type: string;
  /** First and last word, counted from 0. */
  readonly start: number;
  readonly end: number;
}

interface Tag {
  readonly mark: string;
  readonly type: string;
}

/** `B-PER` is the mark B of type PER; a tag without a hyphen is a mark of the type `_`, as in seqeval. */
function parseTag(tag: string): Tag {
  const hyphen = tag.indexOf('-');
  return hyphen === -1
    ? { mark: tag.slice(0, 1), type: tag.slice(1) === '' ? '_' : tag.slice(1) }
    : { mark: tag.slice(0, 1), type: tag.slice(hyphen + 1) || '_' };
}

const OUTSIDE: Tag = { mark: 'O', type: '_' };

export function entitiesOf(tags: readonly string[]): readonly Entity[] {
  const entities: Entity[] = [];
  let previous = OUTSIDE;
  let start = 0;
  for (let i = 0; i <= tags.length; i++) {
    const current = i < tags.length ? parseTag(tags[i] as string) : OUTSIDE;
    if (endsBetween(previous, current)) entities.push({ type: previous.type, start, end: i - 1 });
    if (beginsBetween(previous, current)) start = i;
    previous = current;
  }
  return entities;
}

/** Whether an entity ends after `previous`. E and S end one always; B, S and O of the next word end it too. */
function endsBetween(previous: Tag, current: Tag): boolean {
  if (previous.mark === 'E' || previous.mark === 'S') return true;
  if (previous.mark !== 'B' && previous.mark !== 'I') return false;
  return current.mark === 'B' || current.mark === 'S' || current.mark === 'O' || previous.type !== current.type;
}

/** Whether an entity begins with `current`: at B and S always, at I and E when there is nothing of its type to continue. */
function beginsBetween(previous: Tag, current: Tag): boolean {
  if (current.mark === 'B' || current.mark === 'S') return true;
  if (current.mark !== 'E' && current.mark !== 'I') return false;
  return previous.mark === 'E' || previous.mark === 'S' || previous.mark === 'O' || previous.type !== current.type;
}

/** Counts entities over many sentences; it has identity, one for an evaluation. */
export class EntityCounts {
  private readonly byType = new Map<string, { found: number; predicted: number; actual: number }>();

  add(predicted: readonly string[], actual: readonly string[]): void {
    const predictedEntities = entitiesOf(predicted);
    const actualEntities = entitiesOf(actual);
    const known = new Set(actualEntities.map(keyOf));
    for (const entity of predictedEntities) {
      const counts = this.of(entity.type);
      counts.predicted += 1;
      if (known.has(keyOf(entity))) counts.found += 1;
    }
    for (const entity of actualEntities) this.of(entity.type).actual += 1;
  }

  /** Precision, recall and F1 over all entities (micro). */
  total(): ClassScore {
    let found = 0;
    let predicted = 0;
    let actual = 0;
    for (const counts of this.byType.values()) {
      found += counts.found;
      predicted += counts.predicted;
      actual += counts.actual;
    }
    return score(found, predicted, actual);
  }

  /** The same for each type, in order of its name. */
  types(): ReadonlyMap<string, ClassScore> {
    const names = [...this.byType.keys()].sort((a, b) => (a < b ? -1 : 1));
    return new Map(
      names.map((name) => {
        const { found, predicted, actual } = this.of(name);
        return [name, score(found, predicted, actual)];
      }),
    );
  }

  private of(type: string): { found: number; predicted: number; actual: number } {
    let counts = this.byType.get(type);
    if (counts === undefined) {
      counts = { found: 0, predicted: 0, actual: 0 };
      this.byType.set(type, counts);
    }
    return counts;
  }
}

const keyOf = (entity: Entity): string => `${entity.start} ${entity.end} ${entity.type}`;

function score(found: number, predicted: number, actual: number): ClassScore {
  return {
    precision: ratio(found, predicted),
    recall: ratio(found, actual),
    f1: f1Of(found, predicted - found, actual - found),
    support: actual,
  };
}
