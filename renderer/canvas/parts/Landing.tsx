/** What floats in the picture's own coordinates while something is held: guides, the two halves over a sublayer. */
import { useInternalNode, ViewportPortal } from '@xyflow/react';
import { useCanvasState, type Guide } from '../state/canvasState.ts';
import styles from './flow.module.css';

const WORDS = { series: 'in series', parallel: 'in parallel', rack: 'dock here' } as const;

export function Landing() {
  const guides = useCanvasState((s) => s.guides);
  const halves = useCanvasState((s) => s.halves);
  return (
    <ViewportPortal>
      {guides.map((g) => (
        <GuideLine key={`${g.axis}${g.at}`} guide={g} />
      ))}
      {halves && <Halves id={halves.id} half={halves.half} />}
    </ViewportPortal>
  );
}

function GuideLine({ guide }: { readonly guide: Guide }) {
  const parent = useInternalNode(guide.parent ?? '')?.internals.positionAbsolute ?? { x: 0, y: 0 };
  const length = guide.to - guide.from + 32;
  const style =
    guide.axis === 'x'
      ? { left: parent.x + guide.at, top: parent.y + guide.from - 16, width: 1, height: length }
      : { left: parent.x + guide.from - 16, top: parent.y + guide.at, width: length, height: 1 };
  return <div className={styles['guide']} style={style} />;
}

function Halves({ id, half }: { readonly id: string; readonly half: keyof typeof WORDS }) {
  const node = useInternalNode(id);
  if (!node) return null;
  const { x, y } = node.internals.positionAbsolute;
  const shown = half === 'rack' ? (['rack'] as const) : (['series', 'parallel'] as const);
  return (
    <div
      className={styles['halves']}
      style={{ left: x, top: y, width: node.width ?? 0, height: Math.max(56, node.height ?? 0) }}
    >
      {shown.map((h) => (
        <span key={h} className={styles['half']} data-on={h === half || undefined}>
          {WORDS[h]}
        </span>
      ))}
    </div>
  );
}
