/** From the taps of a training step to how hot each node is: its update, else its gradient, beside the largest one. */

/** Longest first, so that `update/` of a name is taken off whole. */
const PREFIX = /^(?:update|gradient|grad|tap)\//;

export function heatOf(taps: Readonly<Record<string, number | null>>): ReadonlyMap<string, number> {
  const updates = Object.entries(taps).filter(([name]) => name.startsWith('update/'));
  const chosen = updates.length > 0 ? updates : Object.entries(taps);
  const norms = new Map<string, number>();
  /** A parameter's name ends with the module and its own part, as in `lora/A`. */
  const modules = new Set<string>();
  for (const [name, value] of chosen) {
    if (value === null || !Number.isFinite(value)) continue;
    const parts = name
      .replace(PREFIX, '')
      .split('/')
      .filter((part) => !/^\d+$/.test(part));
    for (const part of parts) norms.set(part, Math.hypot(norms.get(part) ?? 0, value));
    const module = parts.at(-2) ?? parts.at(-1) ?? '';
    modules.add(module);
  }
  const largest = Math.max(0, ...[...modules].map((m) => norms.get(m) ?? 0));
  return largest === 0 ? new Map() : new Map([...norms].map(([id, v]) => [id, Math.min(1, v / largest)]));
}
