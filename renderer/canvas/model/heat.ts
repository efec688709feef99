/** From the norms that a run tells of single parameters to those of nodes. */

/** The norm over all parameters that belong to a node, by its id: a parameter's path names the nodes that it lies in. */
export function normsByNode(
  norms: ReadonlyMap<string, number>,
  prefix: 'gradient/' | 'update/',
): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [name, value] of norms) {
    if (!name.startsWith(prefix) || !Number.isFinite(value)) continue;
    const parts = name.slice(prefix.length).split('/').slice(0, -1);
    for (const id of new Set(parts.filter((part) => !/^\d+$/.test(part))))
      found.set(id, Math.hypot(found.get(id) ?? 0, value));
  }
  return found;
}
