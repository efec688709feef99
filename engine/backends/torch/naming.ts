/** Names for the attributes of a class: the shortest end of a path that tells it from the others. */
import { Namer, type Ident } from './python/identifiers.ts';

/** The parts of a path or of a checkpoint's name. */
export const partsOfPath = (path: string): readonly string[] => path.split(/[/.]/).filter((p) => p !== '');

/** Something that becomes an attribute, with its names from the shortest to the longest. */
export interface Wish {
  readonly key: string;
  readonly names: readonly string[];
}

/** The ends of a path, shortest first, from `least` parts on: `c`, `b_c`, `a_b_c`. */
export function endsOf(parts: readonly string[], least: number, fallback: string): readonly string[] {
  if (parts.length === 0) return [fallback];
  const from = Math.min(least, parts.length);
  return Array.from({ length: parts.length - from + 1 }, (_, i) => parts.slice(parts.length - from - i).join('_'));
}

/** Attribute names for all wishes: those that collide take longer names, all of them; what is left is numbered. */
export function nameAttributes(wishes: readonly Wish[]): ReadonlyMap<string, Ident> {
  const namer = new Namer('attribute');
  const level = new Map(wishes.map((w) => [w.key, 0]));
  const current = (w: Wish): string => namer.wish(w.names[level.get(w.key) ?? 0] ?? 'value');
  for (let round = 0; round < 8; round++) {
    const users = new Map<string, Wish[]>();
    for (const w of wishes) users.set(current(w), [...(users.get(current(w)) ?? []), w]);
    const clashing = [...users.values()].filter((list) => list.length > 1).flat();
    const longer = clashing.filter((w) => (level.get(w.key) ?? 0) + 1 < w.names.length);
    if (longer.length === 0) break;
    for (const w of longer) level.set(w.key, (level.get(w.key) ?? 0) + 1);
  }
  return new Map(wishes.map((w) => [w.key, namer.mint(w.names[level.get(w.key) ?? 0] ?? 'value')]));
}
