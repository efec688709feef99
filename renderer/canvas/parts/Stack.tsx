/** The container of a stack: its head with the layer scrubber, the rails of its walls, and its body drawn inside. */
import type { NodeProps } from '@xyflow/react';
import { ChevronsDownUp, Layers, ListEnd, Pin, Repeat, Share2 } from 'lucide-react';
import { memo } from 'react';
import type { CardNode } from '../model/flow.ts';
import type { CardPort, PlacedPort } from '../model/sceneTypes.ts';
import { runToggleCollapse } from '../commands/folding.ts';
import { useEditor } from '../../state/editor.ts';
import { ProblemMark, worst } from './Card.tsx';
import { useNearness } from './detail.ts';
import { Port } from './Port.tsx';
import { Renamer } from './Renamer.tsx';
import { Scrubber } from './Scrubber.tsx';
import styles from './stack.module.css';

export const Stack = memo(function Stack({ data, selected, width, height }: NodeProps<CardNode>) {
  const { scene, ports } = data;
  const { face } = scene;
  const near = useNearness() === 'near';
  const editor = useEditor();
  return (
    <div
      className={styles['stack']}
      data-card={scene.id}
      data-selected={selected || undefined}
      data-ghost={face.ghost || undefined}
      data-problem={worst(face.problems)}
      style={{ width, height }}
    >
      <div className={styles['head']}>
        <Layers size={18} className={styles['icon']} aria-hidden />
        <span className={styles['words']}>
          <Renamer id={scene.id} title={face.title} className={styles['title']} />
          <span className={styles['sub']}>{face.subtitle}</span>
        </span>
        <span className={styles['repeat']} title={`The body is repeated ${face.stack?.repeat ?? 1} times`}>
          ×{face.stack?.repeat}
        </span>
        {near && face.stack && <Scrubber face={face.stack} />}
        <button
          type="button"
          className={`${styles['fold'] ?? ''} nodrag`}
          aria-label="Collapse the stack"
          title="Collapse the stack"
          onClick={() => runToggleCollapse(editor, scene.graph, [scene.node])}
        >
          <ChevronsDownUp size={16} aria-hidden />
        </button>
      </div>
      <div className={styles['rail']} data-side="left" />
      <div className={styles['rail']} data-side="right" />
      {near &&
        ports.map((p) =>
          p.label ? (
            <span key={`${p.type}${p.id}`} className={styles['label']} data-side={p.side} style={{ top: p.y - 12 }}>
              <Glyph glyph={p.glyph} />
              <span className={styles['portName']} title={`${p.name}. ${p.doc}`}>
                {p.name}
              </span>
            </span>
          ) : null,
        )}
      {near && ports.map((p: PlacedPort) => <Port key={`${p.type}${p.id}`} port={p} />)}
      {face.problems.length > 0 && <ProblemMark problems={face.problems} />}
    </div>
  );
});

const WORDS: Readonly<Record<NonNullable<CardPort['glyph']>, string>> = {
  carry: 'carry: each layer hands it to the next',
  broadcast: 'broadcast: every layer gets the same value',
  collect: 'collect: one value per layer, stacked',
  promoted: 'a port of a node inside',
};
const ICONS = { carry: Repeat, broadcast: Share2, collect: ListEnd, promoted: Pin } as const;

export function Glyph({ glyph }: { readonly glyph: CardPort['glyph'] }) {
  if (glyph === undefined) return null;
  const Icon = ICONS[glyph];
  return (
    <span className={styles['glyph']} title={WORDS[glyph]} role="img" aria-label={WORDS[glyph]}>
      <Icon size={12} aria-hidden />
    </span>
  );
}
