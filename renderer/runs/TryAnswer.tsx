/** One answer of a model: labels by their scores, a number, or tagged words. */
import { useState } from 'react';
import type { TryResult } from '../../engine/protocol/api/runs.ts';
import { Button, cx, formatShare } from '../ui/index.ts';
import { answerOf, entityOf } from './tries.ts';
import styles from './try.module.css';
import { formatFigure } from './words.ts';

const FEW = 5;

export function TryAnswer({ result }: { readonly result: TryResult }) {
  const answer = answerOf(result);
  return (
    <article className={styles['answer']}>
      {answer.kind !== 'tags' && <p className={styles['text']}>{result.text}</p>}
      {answer.kind === 'labels' && <Labels best={answer.best} bars={answer.bars} />}
      {answer.kind === 'value' && <p className={styles['value']}>{formatFigure(answer.value)}</p>}
      {answer.kind === 'tags' && <Tags words={answer.words} />}
      {answer.kind === 'none' && <p className={styles['hint']}>The model gave no answer.</p>}
      <p className={styles['time']}>{Math.max(1, Math.round(result.milliseconds))} ms</p>
    </article>
  );
}

interface LabelsProps {
  readonly best: string;
  readonly bars: readonly { readonly label: string; readonly share: number }[];
}

function Labels({ best, bars }: LabelsProps) {
  const [all, setAll] = useState(false);
  const shown = all ? bars : bars.slice(0, FEW);
  return (
    <>
      <p className={styles['best']}>{best}</p>
      <ul aria-label="Scores">
        {shown.map(({ label, share }) => (
          <li key={label} className={cx(styles['bar'], label === best && styles['barBest'])}>
            <span className={styles['barLabel']} title={label}>
              {label}
            </span>
            <span className={styles['barTrack']}>
              <span className={styles['barFill']} style={{ width: `${Math.min(1, Math.max(0, share)) * 100}%` }} />
            </span>
            <span className={styles['barValue']}>{formatShare(share)}</span>
          </li>
        ))}
      </ul>
      {bars.length > FEW && (
        <Button small variant="quiet" onClick={() => setAll(!all)}>
          {all ? 'Show the best' : `Show all ${bars.length} labels`}
        </Button>
      )}
    </>
  );
}

const TONES = ['tone0', 'tone1', 'tone2', 'tone3'] as const;

function Tags({ words }: { readonly words: NonNullable<TryResult['tags']> }) {
  const entities = [...new Set(words.flatMap((w) => entityOf(w.tag) ?? []))];
  return (
    <p className={styles['tags']}>
      {words.map(({ word, tag }, i) => {
        const entity = entityOf(tag);
        const tone = TONES[(entity === undefined ? 0 : entities.indexOf(entity)) % TONES.length] as string;
        return (
          <span
            key={`${i} ${word}`}
            className={entity === undefined ? styles['word'] : cx(styles['word'], styles['tagged'], styles[tone])}
          >
            {word}
            {entity !== undefined && <span className={styles['tag']}>{tag}</span>}
          </span>
        );
      })}
    </p>
  );
}
