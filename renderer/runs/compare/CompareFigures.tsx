/** Figures of runs in columns, each with its difference to the baseline; seeds with mean and deviation. */
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { cx, formatBytes, formatSeconds } from '../../ui/index.ts';
import { spreadOf } from '../groups.ts';
import { capital, formatDelta, formatFigure, isMetric, nameInWords, runTitle, trainableWords } from '../words.ts';
import styles from './compare.module.css';

interface Props {
  readonly runs: readonly RunSummary[];
  readonly base: RunSummary;
}

/** `better` says which direction is good, so that the sign can be read without thinking. */
interface Row {
  readonly name: string;
  readonly of: (run: RunSummary) => number | undefined;
  readonly text: (value: number) => string;
  readonly delta: (value: number, base: number) => string;
  readonly better: 'higher' | 'lower' | undefined;
}

const ratio = (value: number, base: number): string =>
  base === 0 ? '' : `${value < base ? '-' : '+'}${Math.abs(Math.round((value / base - 1) * 100))} %`;

function rowsOf(runs: readonly RunSummary[]): readonly Row[] {
  const names = [...new Set(runs.flatMap((r) => Object.keys(r.metrics).filter(isMetric)))];
  const main = runs[0]?.metric;
  names.sort((a, b) => Number(b === main) - Number(a === main));
  return [
    ...names.map((name): Row => ({
      name: capital(nameInWords(name)),
      of: (r) => r.metrics[name],
      text: formatFigure,
      delta: formatDelta,
      better: name === 'loss' ? 'lower' : 'higher',
    })),
    { name: 'Majority', of: (r) => r.majority, text: formatFigure, delta: formatDelta, better: undefined },
    { name: 'Untrained', of: (r) => r.untrained, text: formatFigure, delta: formatDelta, better: undefined },
    { name: 'Time', of: (r) => r.seconds, text: formatSeconds, delta: ratio, better: 'lower' },
    {
      name: 'Examples per second',
      of: (r) => r.examplesPerSecond,
      text: (v) => String(Math.round(v)),
      delta: ratio,
      better: 'higher',
    },
    { name: 'Peak memory', of: (r) => r.peakRssBytes || undefined, text: formatBytes, delta: ratio, better: 'lower' },
    {
      name: 'Trainable',
      of: (r) => r.trainable,
      text: (v) => v.toLocaleString('en-US'),
      delta: ratio,
      better: undefined,
    },
  ];
}

export function CompareFigures({ runs, base }: Props) {
  const rows = rowsOf(runs);
  return (
    <div className={styles['scroll']}>
      <table className={styles['table']} aria-label="Figures of the compared runs">
        <thead>
          <tr>
            <th scope="col">Figure</th>
            {runs.map((run) => (
              <th
                key={run.run}
                scope="col"
                className={styles['number']}
                title={`${run.recipe}, ${trainableWords(run)}`}
              >
                {runTitle(run)}
                {run.run === base.run && <span className={styles['note']}> baseline</span>}
              </th>
            ))}
            {runs.length > 2 && (
              <th scope="col" className={styles['number']}>
                Mean ± deviation
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">Recipe</th>
            {runs.map((run) => (
              <td key={run.run} className={cx(styles['text'], styles['number'])} title={run.recipe}>
                {run.recipe}
              </td>
            ))}
            {runs.length > 2 && <td />}
          </tr>
          {rows.map((row) => (
            <Figures key={row.name} row={row} runs={runs} base={base} />
          ))}
          <tr>
            <th scope="row">Seed</th>
            {runs.map((run) => (
              <td key={run.run} className={styles['number']}>
                {run.seed}
              </td>
            ))}
            {runs.length > 2 && <td />}
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function Figures({ row, runs, base }: Props & { readonly row: Row }) {
  const values = runs.map(row.of);
  if (values.every((v) => v === undefined)) return null;
  const against = row.of(base);
  const spread = spreadOf(values.filter((v) => v !== undefined));
  return (
    <tr>
      <th scope="row">{row.name}</th>
      {runs.map((run, i) => {
        const value = values[i];
        const differs = value !== undefined && against !== undefined && run.run !== base.run && value !== against;
        const delta = differs ? row.delta(value, against) : '';
        // A difference that no digit shows is none.
        const shown = delta !== '' && !/^[+-]0( %)?$/.test(delta);
        const good = differs && row.better !== undefined && value > against === (row.better === 'higher');
        return (
          <td key={run.run} className={styles['number']}>
            {shown && (
              <span className={row.better === undefined ? styles['same'] : good ? styles['better'] : styles['worse']}>
                {delta}
              </span>
            )}
            {value === undefined ? '-' : row.text(value)}
          </td>
        );
      })}
      {runs.length > 2 && (
        <td className={styles['number']}>{spread && `${row.text(spread.mean)} ± ${row.text(spread.deviation)}`}</td>
      )}
    </tr>
  );
}
