/** Norms that a run records while it trains, as taps `gradient/PATH` and `update/PATH` of its curve. */
import type { Curve } from '../../runs/curve.ts';

/** The latest value of each tap, of the part that trains now. */
export function latestTaps(curve: Curve): ReadonlyMap<string, number> {
  const part = [...curve.parts.values()].at(-1);
  const taps = new Map<string, number>();
  for (const [name, values] of part?.steps.taps ?? []) {
    const value = values.at(-1);
    if (value !== undefined && value !== null) taps.set(name, value);
  }
  return taps;
}

/** One norm over the parameters that `own` names; undefined when none was recorded. */
export function normsOf(
  taps: ReadonlyMap<string, number>,
  prefix: 'gradient/' | 'update/',
  own: (name: string) => boolean,
): number | undefined {
  const found = [...taps].filter(([name]) => name.startsWith(prefix) && own(name.slice(prefix.length)));
  return found.length === 0 ? undefined : Math.hypot(...found.map(([, value]) => value));
}
