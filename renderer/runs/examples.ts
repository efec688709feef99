/** Examples of the evaluation: those of one cell of the confusion matrix, those with a text, those on which runs disagree. */
import type { ExampleResult } from '../../engine/protocol/api/runs.ts';

export interface ExampleFilter {
  readonly search: string;
  /** Gold and predicted label of the chosen cell. */
  readonly cell: { readonly gold: string; readonly predicted: string } | undefined;
  readonly wrongOnly: boolean;
}

export const NO_FILTER: ExampleFilter = { search: '', cell: undefined, wrongOnly: false };

export function filterExamples(examples: readonly ExampleResult[], filter: ExampleFilter): readonly ExampleResult[] {
  const search = filter.search.trim().toLowerCase();
  return examples.filter(
    (e) =>
      (search === '' || e.text.toLowerCase().includes(search)) &&
      (!filter.cell || (e.gold === filter.cell.gold && e.predicted === filter.cell.predicted)) &&
      (!filter.wrongOnly || e.gold !== e.predicted),
  );
}

export interface Disagreement {
  readonly row: number;
  readonly text: string;
  readonly gold: string;
  readonly one: string;
  readonly other: string;
  readonly kind: 'oneRight' | 'otherRight' | 'bothWrong';
}

/** Examples to which two runs give different answers; runs on other rows or texts have nothing in common. */
export function disagreements(
  one: readonly ExampleResult[],
  other: readonly ExampleResult[],
): { readonly shared: number; readonly rows: readonly Disagreement[] } {
  const byRow = new Map(other.map((e) => [e.row, e]));
  const rows: Disagreement[] = [];
  let shared = 0;
  for (const a of one) {
    const b = byRow.get(a.row);
    if (b?.text !== a.text) continue;
    shared++;
    if (a.predicted === b.predicted) continue;
    const kind = a.predicted === a.gold ? 'oneRight' : b.predicted === b.gold ? 'otherRight' : 'bothWrong';
    rows.push({ row: a.row, text: a.text, gold: a.gold, one: a.predicted, other: b.predicted, kind });
  }
  return { shared, rows: rows.sort((a, b) => a.row - b.row) };
}
