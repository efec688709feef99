/**
 * Long graphs are read like text: columns from left to right, broken into rows where few wires cross. Pure: from the nodes
 * of one graph to the rows in which a layout engine then places them.
 */
export interface RowNode {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}
export interface RowEdge {
  readonly from: string;
  readonly to: string;
}

/** Longest path from the sources; ends that are not nodes of the list (walls) don't count. */
export function ranksOf(nodes: readonly RowNode[], edges: readonly RowEdge[]): ReadonlyMap<string, number> {
  const ids = new Set(nodes.map((n) => n.id));
  const next = new Map<string, string[]>();
  const waiting = new Map<string, number>(nodes.map((n) => [n.id, 0]));
  for (const { from, to } of edges) {
    if (!ids.has(from) || !ids.has(to) || from === to) continue;
    next.set(from, [...(next.get(from) ?? []), to]);
    waiting.set(to, (waiting.get(to) ?? 0) + 1);
  }
  const ranks = new Map<string, number>(nodes.map((n) => [n.id, 0]));
  const queue = nodes.filter((n) => waiting.get(n.id) === 0).map((n) => n.id);
  for (let i = 0; i < queue.length; i++) {
    const id = queue[i] as string;
    for (const to of next.get(id) ?? []) {
      ranks.set(to, Math.max(ranks.get(to) ?? 0, (ranks.get(id) ?? 0) + 1));
      const left = (waiting.get(to) ?? 1) - 1;
      waiting.set(to, left);
      if (left === 0) queue.push(to);
    }
  }
  return pulled(ranks, nodes, edges, ids);
}

/** Sources stand right before what takes them first, so that labels stand by the loss and not at the far left. */
function pulled(
  ranks: Map<string, number>,
  nodes: readonly RowNode[],
  edges: readonly RowEdge[],
  ids: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  const hasInput = new Set<string>();
  for (const { from, to } of edges) {
    if (!ids.has(from) || !ids.has(to)) continue;
    hasInput.add(to);
    taken.set(from, Math.min(taken.get(from) ?? Number.MAX_SAFE_INTEGER, ranks.get(to) ?? 0));
  }
  for (const { id } of nodes) {
    const first = taken.get(id);
    if (!hasInput.has(id) && first !== undefined) ranks.set(id, Math.max(0, first - 1));
  }
  return ranks;
}

const GAP = 80;

/** The rows, each the ids of its nodes; breaks are chosen to keep rows below `limit` and to cut few wires. */
export function rowsOf(
  nodes: readonly RowNode[],
  edges: readonly RowEdge[],
  limit: number,
): readonly (readonly string[])[] {
  if (nodes.length === 0) return [];
  const ranks = ranksOf(nodes, edges);
  const count = Math.max(...ranks.values()) + 1;
  const widths = new Array<number>(count).fill(0);
  for (const n of nodes) {
    const rank = ranks.get(n.id) ?? 0;
    widths[rank] = Math.max(widths[rank] ?? 0, n.width + GAP);
  }
  const total = widths.reduce((a, b) => a + b, 0);
  if (total <= limit * 1.15) return [nodes.map((n) => n.id)];
  const breaks = chooseBreaks(widths, crossings(ranks, edges, count), limit);
  const rows: string[][] = [[], ...breaks.map(() => [])];
  for (const n of nodes) {
    const rank = ranks.get(n.id) ?? 0;
    rows[breaks.filter((b) => b <= rank).length]?.push(n.id);
  }
  return rows.filter((r) => r.length > 0);
}

/** How many wires cross the line before each rank. */
function crossings(ranks: ReadonlyMap<string, number>, edges: readonly RowEdge[], count: number): readonly number[] {
  const change = new Array<number>(count + 1).fill(0);
  for (const { from, to } of edges) {
    const a = ranks.get(from);
    const b = ranks.get(to);
    if (a === undefined || b === undefined || a >= b) continue;
    change[a + 1] = (change[a + 1] ?? 0) + 1;
    change[b + 1] = (change[b + 1] ?? 0) - 1;
  }
  let sum = 0;
  return change.slice(0, count).map((c) => (sum += c));
}

/** The ranks at which rows begin, the first left out: least cost of cut wires, unused width and overflow. */
function chooseBreaks(widths: readonly number[], cut: readonly number[], limit: number): readonly number[] {
  const n = widths.length;
  const before = [0];
  for (const w of widths) before.push((before.at(-1) ?? 0) + w);
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let end = 1; end <= n; end++) {
    let found = { cost: Number.POSITIVE_INFINITY, from: 0 };
    for (let from = 0; from < end; from++) {
      const width = (before[end] ?? 0) - (before[from] ?? 0);
      const unused = Math.max(0, limit - width) / limit;
      const over = Math.max(0, width - limit) / limit;
      if (over > 0.2 && end - from > 1) continue;
      const last = end === n;
      const cost =
        (best[from]?.cost ?? 0) +
        (from === 0 ? 0 : 1 + (cut[from] ?? 0) * 0.6) +
        (last ? 0.3 : 1.5) * unused * unused +
        6 * over;
      if (cost < found.cost) found = { cost, from };
    }
    best.push(found);
  }
  const breaks: number[] = [];
  for (let end = n; end > 0; end = best[end]?.from ?? 0) {
    const from = best[end]?.from ?? 0;
    if (from > 0) breaks.unshift(from);
  }
  return breaks;
}
