/** The form of a message and the small helpers of its sentences. */

export interface Words {
  readonly message: string;
  readonly found?: string;
  readonly fix: string;
}

/** Names one after the other; a long list is cut with its length. */
export const list = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.slice(0, 12).join(', ') + (names.length > 12 ? `, … (${names.length})` : '');

export const quoted = (names: readonly string[]): string => list(names.map((n) => `"${n}"`));

/** `a -> b -> c -> a`, with the middle of a long cycle left out. */
export function cycleWords(cycle: readonly string[]): string {
  const shown =
    cycle.length <= 12 ? cycle : [...cycle.slice(0, 6), `… ${cycle.length - 11} more …`, ...cycle.slice(-5)];
  return [...shown, cycle[0] ?? ''].join(' -> ');
}
