/** What flows on a wire for one batch: shape, mean, deviation, range, histogram, what is not finite. */
import { X } from 'lucide-react';
import { Callout, formatCount, IconButton, Spinner } from '../../ui/index.ts';
import type { ProbeView } from '../../../engine/protocol/api/check.ts';
import { useCanvas, useCanvasState } from '../state/canvasState.ts';
import styles from './probe.module.css';

export function Probe() {
  const canvas = useCanvas();
  const probe = useCanvasState((s) => s.probe);
  if (!probe) return null;
  const left = Math.max(8, Math.min(probe.screen.x, innerWidth - 316));
  const top = Math.max(8, Math.min(probe.screen.y, innerHeight - 340));
  return (
    <div
      className={`${styles['probe'] ?? ''} nowheel nodrag nopan`}
      style={{ left, top }}
      role="dialog"
      aria-label={`Probe of ${probe.title}`}
    >
      <div className={styles['head']}>
        <span className={styles['title']} title={probe.title}>
          {probe.title}
        </span>
        <IconButton small label="Close" icon={<X />} onClick={() => canvas.setState({ probe: undefined })} />
      </div>
      {probe.failed !== undefined ? (
        <Callout tone="error">{probe.failed}</Callout>
      ) : probe.result ? (
        <Figures view={probe.result} />
      ) : (
        <div className={styles['wait']}>
          <Spinner label="Running one batch" />
        </div>
      )}
    </div>
  );
}

const short = (x: number): string =>
  Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-4) ? x.toExponential(2) : Number(x.toPrecision(4)).toString();

function Figures({ view }: { readonly view: ProbeView }) {
  const { histogram } = view;
  const most = Math.max(1, ...histogram.counts);
  const rows: readonly (readonly [string, string])[] = [
    ['Shape', view.shape.length === 0 ? 'scalar' : view.shape.join(' × ')],
    ['Mean', short(view.mean)],
    ['Deviation', short(view.deviation)],
    ['Range', `${short(view.min)} to ${short(view.max)}`],
    ['Not finite', formatCount(view.notFinite)],
  ];
  return (
    <>
      <dl className={styles['list']}>
        {rows.map(([k, v]) => (
          <div key={k} className={styles['row']} data-bad={(k === 'Not finite' && view.notFinite > 0) || undefined}>
            <dt>{k}</dt>
            <dd>{v}</dd>
          </div>
        ))}
      </dl>
      <div
        className={styles['bars']}
        role="img"
        aria-label={`Histogram from ${short(histogram.from)} to ${short(histogram.to)}`}
      >
        {histogram.counts.map((c, i) => (
          <span key={i} style={{ height: `${Math.max(c > 0 ? 2 : 0, (c / most) * 100)}%` }} title={formatCount(c)} />
        ))}
      </div>
      <div className={styles['axis']}>
        <span>{short(histogram.from)}</span>
        <span>{short(histogram.to)}</span>
      </div>
    </>
  );
}
