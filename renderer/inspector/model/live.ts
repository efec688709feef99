/** Norms that a run tells while it trains, by `gradient/PATH` and `update/PATH`. */

/** One norm over the parameters that `own` names; undefined when none was recorded. */
export function normsOf(
  norms: ReadonlyMap<string, number>,
  prefix: 'gradient/' | 'update/',
  own: (name: string) => boolean,
): number | undefined {
  const found = [...norms].filter(([name]) => name.startsWith(prefix) && own(name.slice(prefix.length)));
  return found.length === 0 ? undefined : Math.hypot(...found.map(([, value]) => value));
}
