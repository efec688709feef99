/** From the taps of a training step to how hot each node is: its update, else its gradient, beside the largest one. */

/** Longest first, so that `update/` of a name is taken off whole. */
const PREFIX = /^(?:update|gradient|grad|tap)\//;

export function heatOf(taps: Readonly<Record<string, number | null>>): ReadonlyMap<string, number> {
  const updates = Object.entries(taps).filter(([name]) => name.startsWith('update/'));
  const chosen = updates.length > 0 ? updates : Object.entries(taps);
  const norms = new Map<string, number>();
  for (const [name, value] of chosen) {
    if (value === null || !Number.isFinite(value)) continue;
    for (const part of name.replace(PREFIX, '').split('/')) {
      if (/^\d+$/.test(part)) continue;
      norms.set(part, Math.hypot(norms.get(part) ?? 0, value));
    }
  }
  const largest = Math.max(0, ...norms.values());
  return largest === 0 ? new Map() : new Map([...norms].map(([id, v]) => [id, v / largest]));
}
