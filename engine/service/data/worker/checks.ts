/** Figures of a data set before training: balance, repetitions, leaks, lengths in tokens and what the chosen length cuts. */
import type { Diagnostic } from '../../../base/errors.ts';
import { resolveModel } from '../../../checkpoints/store.ts';
import { checkData } from '../../../data/checks.ts';
import { encodeDataset, type EncodedDataset } from '../../../data/encode.ts';
import { makeDataset, type Dataset } from '../../../data/task.ts';
import type { DataChecks } from '../../../protocol/api/data.ts';
import { loadTokenizer } from '../../../tokenizers/loadTokenizer.ts';
import { encodedFolder, labelsOf, rowsOfDataset, splitRows } from '../../../workflow/data.ts';
import type { ChecksQuestion, DataSpec } from '../questions.ts';
import { inWords, readOptions } from './preview.ts';
import { caught, faultsOf, named, type Tables } from './tables.ts';

/** Upper ends of the bars of the histogram, in tokens; longer texts are in a last bar that ends at the longest. */
const ENDS = [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512] as const;

export async function dataChecks(tables: Tables, home: string, question: ChecksQuestion): Promise<DataChecks> {
  const { data, pair, maxLength } = question;
  const diagnostics: Diagnostic[] = [];
  const labels = pair && labelsOf((await datasetOf(tables, pair.train)).dataset);
  const { dataset, found } = await datasetOf(tables, data, labels);
  diagnostics.push(...found);
  const tokens = tokensOf(question, dataset, home, diagnostics);
  const { train: split, diagnostics: findings } = checkData({ dataset, ...(tokens ? { encoded: tokens } : {}) });
  const leaks = pair ? await leaksOf(tables, pair, diagnostics) : 0;
  diagnostics.push(...findings.map(named(data.file, data.shown)));
  const classes = split.balance.kind === 'classes' ? split.balance.counts : [];
  const counted = classes.reduce((n, c) => n + c.count, 0);
  return {
    rows: dataset.rows,
    classes,
    duplicates: split.duplicates,
    leaks,
    truncatedShare: (split.truncated ?? 0) / Math.max(1, dataset.rows),
    maxLength,
    lengths: tokens ? histogram(tokens) : [],
    majority: counted === 0 ? 0 : Math.max(...classes.map((c) => c.count)) / counted,
    diagnostics,
  };
}

async function datasetOf(
  tables: Tables,
  data: DataSpec,
  labels?: readonly string[],
): Promise<{ readonly dataset: Dataset; readonly found: readonly Diagnostic[] }> {
  return inWords(data.file, data.shown, async () => {
    const table = await tables.read(data.file, readOptions(data));
    const { dataset, diagnostics } = makeDataset(table, data.columns, labels);
    const found = [...faultsOf(table), ...diagnostics].map(named(data.file, data.shown));
    return { dataset: rowsOfDataset(dataset, splitRows(data.splits, dataset.rows)), found };
  });
}

/** Texts of the evaluation data that stand in the training data. */
async function leaksOf(
  tables: Tables,
  pair: NonNullable<ChecksQuestion['pair']>,
  diagnostics: Diagnostic[],
): Promise<number> {
  const { dataset: train } = await datasetOf(tables, pair.train);
  const { dataset: evaluation } = await datasetOf(tables, pair.evaluation, labelsOf(train));
  const report = checkData({ dataset: train }, { dataset: evaluation });
  const leak = report.diagnostics.find((d) => d.code === 'data-leak');
  if (leak) diagnostics.push(named(evaluation.file, pair.evaluation.shown)(leak));
  return report.leaks;
}

/** The texts as tokens of the model; undefined when no model is known, or its tokenizer cannot be used. */
function tokensOf(
  { backbone, maxLength }: ChecksQuestion,
  dataset: Dataset,
  home: string,
  diagnostics: Diagnostic[],
): EncodedDataset | undefined {
  if (backbone === undefined) return undefined;
  const made = caught(() => {
    const { checkpoint } = resolveModel(backbone, { home });
    return encodeDataset(loadTokenizer(checkpoint.folder), dataset, maxLength, encodedFolder(home));
  });
  diagnostics.push(...made.diagnostics.map((d) => ({ ...d, severity: 'warning' as const })));
  return made.value;
}

/** How many texts have more tokens than the bar before and at most so many; nothing is cut here. */
function histogram({ offsets, cut, rows }: EncodedDataset): DataChecks['lengths'] {
  const lengths = Array.from(
    { length: rows },
    (_, i) => (offsets[i + 1] as number) - (offsets[i] as number) + (cut[i] as number),
  );
  const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
  const ends = [...ENDS.filter((end) => end < longest), longest];
  const counts = ends.map(() => 0);
  for (const length of lengths) {
    const at = ends.findIndex((end) => length <= end);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return ends.map((upTo, i) => ({ upTo, count: counts[i] ?? 0 }));
}
