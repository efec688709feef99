/** The modules docked on a card, in the order in which they are applied, and the line of what comes out. */
import { GripVertical, Leaf, Link2, OctagonAlert, VolumeX } from 'lucide-react';
import { memo } from 'react';
import { formatCompact } from '../../ui/format.ts';
import { useEditorState } from '../../state/editor.ts';
import type { Chip, SceneNode } from '../model/sceneTypes.ts';
import { useChipDrag } from './chipDrag.ts';
import { TypeIcon } from './icons.tsx';
import styles from './rack.module.css';

export const Rack = memo(function Rack({ scene }: { readonly scene: SceneNode }) {
  const { face } = scene;
  const drag = useChipDrag(scene);
  return (
    <div className={styles['rack']} style={{ top: scene.rackTop }} role="list" aria-label={`Modules on ${face.title}`}>
      {face.chips.map((chip) => (
        <ChipRow key={chip.id} chip={chip} scene={scene} drag={drag} />
      ))}
      {face.formula !== '' && (
        <div className={styles['formula']} title={face.formula}>
          {face.formula}
        </div>
      )}
    </div>
  );
});

type Drag = ReturnType<typeof useChipDrag>;

function ChipRow({ chip, scene, drag }: { readonly chip: Chip; readonly scene: SceneNode; readonly drag: Drag }) {
  const selected = useEditorState((s) => s.selection.graph === scene.graph && s.selection.nodes.includes(chip.id));
  const held = drag.held?.id === chip.id;
  const before = drag.held !== undefined && drag.held.before === chip.id && !held;
  return (
    <div
      role="listitem"
      className={`${styles['chip'] ?? ''} nodrag`}
      data-chip={chip.id}
      data-host={scene.id}
      data-selected={selected || undefined}
      data-ghost={chip.ghost || undefined}
      data-muted={chip.muted || undefined}
      data-held={held || undefined}
      data-before={before || undefined}
      data-problem={chip.problems.length > 0 || undefined}
      tabIndex={0}
      aria-label={chipWords(chip)}
      title={chip.problems.length > 0 ? chip.problems.map((p) => p.text).join('\n') : chipWords(chip)}
      onPointerDown={(e) => drag.down(e, chip.id)}
      // The card under it would take the click for its own and be selected too.
      onClick={(e) => e.stopPropagation()}
      onKeyDown={(e) => drag.key(e, chip.id)}
    >
      <span className={styles['heat']} data-heat={chip.id} />
      <GripVertical className={styles['grip']} size={12} aria-hidden />
      <span className={styles['icon']}>
        <TypeIcon type={chip.type} family={chip.family} size={14} />
      </span>
      <span className={styles['title']}>{chip.title}</span>
      <span className={styles['settings']}>{chip.settings}</span>
      <span className={styles['end']}>
        {chip.override && <span className={styles['dot']} title="Some layers have their own values" />}
        {chip.problems.length > 0 && <OctagonAlert size={12} className={styles['alert']} aria-hidden />}
        {chip.muted && <VolumeX size={12} aria-hidden />}
        {chip.letter !== undefined && (chip.users ?? 0) > 1 && (
          <span
            className={styles['recipe']}
            title={`Recipe ${chip.letter} serves ${chip.users} places: edit one, edit all`}
          >
            {chip.letter} {chip.users}
          </span>
        )}
        <span className={styles['sets']} title={setsWords(chip)}>
          {chip.shared ? <Link2 size={12} aria-hidden /> : `×${chip.sets}`}
        </span>
        {chip.trainable > 0 ? (
          <b className={`${styles['number'] ?? ''} figure`} title={`${chip.trainable.toLocaleString('en')} trainable`}>
            {formatCompact(chip.trainable)}
          </b>
        ) : (
          <Leaf size={12} className={styles['leaf']} aria-hidden />
        )}
      </span>
    </div>
  );
}

const setsWords = (chip: Chip): string =>
  chip.shared
    ? '1 shared set of parameters'
    : `${chip.sets} ${chip.sets === 1 ? 'set' : 'sets'} of parameters${chip.layers === '' ? '' : `, in layers ${chip.layers}`}`;

const chipWords = (chip: Chip): string =>
  [
    chip.title,
    chip.settings,
    setsWords(chip),
    chip.users !== undefined && chip.users > 1 ? `recipe ${chip.letter ?? ''} with ${chip.users} users` : '',
    chip.trainable > 0 ? `${chip.trainable.toLocaleString('en')} trainable` : '',
    chip.muted ? 'muted' : '',
    chip.ghost ? 'not in this layer' : '',
  ]
    .filter((w) => w !== '')
    .join(', ');
