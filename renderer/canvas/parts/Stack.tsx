/** The container of a stack: its head with the layer scrubber, the rails of its walls, and its body drawn inside. */
import type { NodeProps } from '@xyflow/react';
import { ChevronsDownUp, Layers, ListEnd, Pin, Repeat, Share2 } from 'lucide-react';
import { memo } from 'react';
import type { CardNode } from '../model/flow.ts';
import type { CardPort, PlacedPort } from '../model/sceneTypes.ts';
import { MOST_ITEMS } from '../model/workflowScene.ts';
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
        <span
          className={styles['repeat']}
          title={
            face.items ? 'The body runs once for each item' : `The body is repeated ${face.stack?.repeat ?? 1} times`
          }
        >
          {face.items ? `${face.items.length} items` : `×${face.stack?.repeat ?? 1}`}
        </span>
        {near && face.stack && !face.items && <Scrubber face={face.stack} />}
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
      {near && face.items && <Items items={face.items} />}
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
      {/* Always there, if unseen: wires to the walls end at them. */}
      {ports.map((p: PlacedPort) => (
        <Port key={`${p.type}${p.id}`} port={p} />
      ))}
      {face.problems.length > 0 && <ProblemMark problems={face.problems} />}
    </div>
  );
});

/** The table of a for-each container: what each item is called and what it sets. */
function Items({ items }: { readonly items: NonNullable<CardNode['data']['scene']['face']['items']> }) {
  const shown = items.slice(0, MOST_ITEMS);
  return (
    <div className={styles['items']} role="table" aria-label="Items">
      {shown.map((item) => (
        <div key={item.name} className={styles['itemRow']} role="row" data-muted={item.muted || undefined}>
          <b role="cell" title={item.name}>
            {item.name}
          </b>
          <span role="cell" title={item.words}>
            {item.words}
          </span>
        </div>
      ))}
      {items.length > shown.length && (
        <div className={styles['itemRow']} role="row">
          <span role="cell">and {items.length - shown.length} more</span>
        </div>
      )}
    </div>
  );
}

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
