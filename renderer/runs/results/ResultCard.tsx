/** The figures of a run on one card: metrics beside their baselines, what it took, and the run before it. */
import type { RunResults, RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Button, formatBytes, formatSeconds, formatTime } from '../../ui/index.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { compareRuns } from '../actions.ts';
import styles from './results.module.css';
import { capital, formatDelta, formatFigure, isMetric, nameInWords, runTitle, trainableWords } from '../words.ts';

interface Props {
  readonly run: RunSummary;
  readonly results: RunResults | undefined;
  /** One part below the other, where there is little room. */
  readonly narrow?: boolean;
}

export function ResultCard({ run, results, narrow = false }: Props) {
  const editor = useEditor();
  const before = useEditorState((s) => s.runs.findLast((r) => r.number < run.number && r.state === 'done'));
  const metrics = results?.metrics ?? run.metrics;
  const majority = results?.majority ?? run.majority;
  const untrained = results?.untrained ?? run.untrained;
  const other = Object.entries(metrics).filter(([name]) => name !== run.metric && isMetric(name));
  const rows = metrics['rows'];
  return (
    <div className={narrow ? styles['narrow'] : styles['summary']}>
      <div className={styles['headline']}>
        {run.figure !== undefined && run.metric !== undefined ? (
          <>
            <p className={styles['big']}>{formatFigure(run.figure)}</p>
            <p className={styles['bigName']}>{capital(nameInWords(run.metric))}</p>
            <ul className={styles['scale']} aria-label="Beside the baselines">
              <Bar name="This run" value={run.figure} tone="run" />
              {majority !== undefined && (
                <Bar name="Majority class" value={majority} note={formatDelta(run.figure, majority)} tone="base" />
              )}
              {untrained !== undefined && (
                <Bar name="Untrained" value={untrained} note={formatDelta(run.figure, untrained)} tone="base" />
              )}
              {before?.metric === run.metric && before?.figure !== undefined && (
                <Bar
                  name={runTitle(before)}
                  value={before.figure}
                  note={formatDelta(run.figure, before.figure)}
                  tone="base"
                />
              )}
            </ul>
            {before && (
              <Button small onClick={() => compareRuns(editor, [before.run, run.run])}>
                Compare with {runTitle(before)}
              </Button>
            )}
          </>
        ) : (
          <p className={styles['bigName']}>No evaluation data is wired, so there is no figure.</p>
        )}
      </div>
      <dl className={styles['facts']}>
        {other.map(([name, value]) => (
          <Fact key={name} name={capital(nameInWords(name))} value={formatFigure(value)} />
        ))}
        {rows !== undefined && <Fact name="Evaluated rows" value={rows.toLocaleString('en-US')} />}
        <Fact
          name="Trainable"
          value={`${trainableWords(run)}${run.head ? `, +${run.head.toLocaleString('en-US')} head` : ''}`}
        />
        <Fact name="Recipe" value={run.recipe} />
        <Fact name="Seed" value={String(run.seed)} />
        <Fact name="Time" value={formatSeconds(run.seconds)} />
        <Fact name="Speed" value={`${Math.round(run.examplesPerSecond)} examples/s`} />
        <Fact name="Peak memory" value={run.peakRssBytes > 0 ? formatBytes(run.peakRssBytes) : '-'} />
        <Fact name="Steps" value={run.step.toLocaleString('en-US')} />
        <Fact name="Started" value={formatTime(run.created)} />
      </dl>
    </div>
  );
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div className={styles['fact']}>
    <dt>{name}</dt>
    <dd title={value}>{value}</dd>
  </div>
);

interface BarProps {
  readonly name: string;
  readonly value: number;
  readonly note?: string;
  readonly tone: 'run' | 'base';
}

/** Figures that are shares have a bar; others only their number. */
const Bar = ({ name, value, note, tone }: BarProps) => (
  <li className={styles['scaleRow']}>
    <span className={styles['scaleName']} title={name}>
      {name}
    </span>
    <span className={styles['scaleTrack']}>
      <span
        className={tone === 'run' ? styles['scaleRun'] : styles['scaleBase']}
        style={{ width: `${Math.min(1, Math.max(0, value)) * 100}%` }}
      />
    </span>
    <span className={styles['scaleValue']}>{formatFigure(value)}</span>
    <span className={styles['scaleNote']}>{note}</span>
  </li>
);
