/** Runs that are copies of one another with other seeds, and their figures together. */
import type { RunSummary } from '../../engine/protocol/api/runs.ts';

export interface RunGroup {
  /** The group's name, or the run's own id for a run alone. */
  readonly id: string;
  readonly runs: readonly RunSummary[];
}

/** Runs of one group whose recipe and metric agree and whose seeds differ stand together; all others alone. */
export function groupsOf(runs: readonly RunSummary[], bySeed: boolean): readonly RunGroup[] {
  const groups = new Map<string, RunSummary[]>();
  for (const run of runs) {
    const id =
      bySeed && run.group !== undefined
        ? `${run.group}\n${run.recipe}\n${run.name.replace(/[,·\s]*seed \d+/i, '')}`
        : run.run;
    const known = groups.get(id);
    if (known && !known.some((r) => r.seed === run.seed)) known.push(run);
    else groups.set(known ? run.run : id, [run]);
  }
  return [...groups].map(([id, list]) => ({ id, runs: list }));
}

export interface Spread {
  readonly mean: number;
  /** Sample deviation; 0 for one value. */
  readonly deviation: number;
  readonly count: number;
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const square = values.reduce((a, b) => a + (b - mean) ** 2, 0);
  return { mean, deviation: values.length < 2 ? 0 : Math.sqrt(square / (values.length - 1)), count: values.length };
}
