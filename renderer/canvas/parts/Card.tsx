/** The card of a node: words first, formal name second; ports; docked modules with the line of what they compute. */
import type { NodeProps } from '@xyflow/react';
import { ChevronsUpDown, Leaf, OctagonAlert, Pin, Snowflake, TriangleAlert, VolumeX } from 'lucide-react';
import { memo } from 'react';
import { formatCompact } from '../../ui/format.ts';
import { cx } from '../../ui/cx.ts';
import { useEditor } from '../../state/editor.ts';
import { jumpAcross } from '../commands/jumping.ts';
import type { CardNode } from '../model/flow.ts';
import type { Face, Problem } from '../model/sceneTypes.ts';
import { useNearness } from './detail.ts';
import { TypeIcon } from './icons.tsx';
import { Port } from './Port.tsx';
import { Rack } from './Rack.tsx';
import { Renamer } from './Renamer.tsx';
import styles from './card.module.css';

export const Card = memo(function Card({ data, selected }: NodeProps<CardNode>) {
  const { scene, ports } = data;
  const { face } = scene;
  const near = useNearness() === 'near';
  return (
    <div
      className={styles['card']}
      data-card={scene.id}
      data-state={face.state}
      data-family={face.family}
      data-ghost={face.ghost || undefined}
      data-muted={face.muted || undefined}
      data-selected={selected || undefined}
      data-problem={worst(face.problems)}
    >
      <div className={styles['head']}>
        <span className={styles['icon']}>
          <TypeIcon type={face.type} family={face.family} />
        </span>
        {near ? (
          <Words id={scene.id} face={face} shape={ports.find((p) => p.shape !== undefined && !p.label)?.shape} />
        ) : null}
        {face.chips.length > 0 && <span className={styles['count']}>{face.chips.length}</span>}
      </div>
      {near && (
        <>
          {ports.map((p) =>
            p.label ? (
              <span key={`${p.type}${p.id}`} className={styles['label']} data-side={p.side} style={{ top: p.y - 8 }}>
                {p.glyph === 'promoted' ? <Jump id={scene.id} port={p.promoted ?? p.name} /> : <span>{p.name}</span>}
                {p.shape !== undefined && <span className={styles['shape']}>{p.shape}</span>}
              </span>
            ) : null,
          )}
          {face.chips.length > 0 && !face.collapsed && <Rack scene={scene} />}
          {ports.map((p) => (
            <Port key={`${p.type}${p.id}`} port={p} />
          ))}
        </>
      )}
      {face.problems.length > 0 && <ProblemMark problems={face.problems} />}
    </div>
  );
});

/** A port that crosses the levels: a click goes to its other end. */
function Jump({ id, port }: { readonly id: string; readonly port: string }) {
  const editor = useEditor();
  return (
    <button
      type="button"
      className={`${styles['jump'] ?? ''} nodrag nopan`}
      title={`Go to the other end of "${port}"`}
      onClick={(e) => {
        // The card would take the click for its own and be selected in place of the other end.
        e.stopPropagation();
        jumpAcross(editor, id, port);
      }}
    >
      <Pin size={12} aria-hidden />
      {port}
    </button>
  );
}

export const worst = (problems: readonly Problem[]): string | undefined =>
  problems.length === 0 ? undefined : problems.some((p) => p.severity === 'error') ? 'error' : 'warning';

function Words({ id, face, shape }: { readonly id: string; readonly face: Face; readonly shape: string | undefined }) {
  return (
    <>
      <span className={styles['words']}>
        <Renamer id={id} title={face.title} className={styles['title']} />
        <span className={styles['sub']}>
          <span className={styles['name']} title={face.subtitle}>
            {face.subtitle}
          </span>
          {face.status !== undefined && face.status.words !== '' && (
            <span className={styles['status']} data-state={face.status.state}>
              {face.status.words}
            </span>
          )}
          {shape !== undefined && (
            <span className={cx(styles['shape'], 'figure')} title={`gives ${shape}`}>
              {shape}
            </span>
          )}
        </span>
      </span>
      <span className={styles['marks']}>
        {face.override && <span className={styles['dot']} title="Some layers have their own values" />}
        {face.layers !== '' && (
          <span className={styles['badge']} title={`In layers ${face.layers}`}>
            {face.layers}
          </span>
        )}
        {face.muted && <VolumeX size={14} aria-label="muted" />}
        {face.collapsed && <ChevronsUpDown size={14} aria-label="collapsed" />}
        {face.state === 'frozen' && (
          <span
            className={styles['frozen']}
            title={`Frozen${face.frozenCount > 0 ? `, ${formatCompact(face.frozenCount)} weights` : ''}`}
          >
            <Snowflake size={14} aria-label="frozen" />
          </span>
        )}
        {face.state === 'trainable' && (
          <span className={styles['trainable']} title="Trainable">
            {face.trainableCount > 0 && <b className="figure">{formatCompact(face.trainableCount)}</b>}
            <Leaf size={14} aria-label="trainable" />
          </span>
        )}
      </span>
    </>
  );
}

export function ProblemMark({ problems }: { readonly problems: readonly Problem[] }) {
  const isError = worst(problems) === 'error';
  const Icon = isError ? OctagonAlert : TriangleAlert;
  return (
    <span
      className={styles['problem']}
      data-severity={isError ? 'error' : 'warning'}
      title={problems.map((p) => p.text).join('\n')}
      role="img"
      aria-label={`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}: ${problems[0]?.text ?? ''}`}
    >
      <Icon size={14} aria-hidden />
      {problems.length > 1 ? problems.length : null}
    </span>
  );
}
