/** What every row of a table of items or sources has at its end: moving it, and taking it out. */
import { ArrowDown, ArrowUp, Copy, Trash2 } from 'lucide-react';
import { IconButton } from '../ui/index.ts';
import styles from './sources.module.css';

interface RowActionsProps {
  readonly name: string;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly move: (by: -1 | 1) => void;
  readonly duplicate?: () => void;
  readonly remove: () => void;
}

export function RowActions({ name, isFirst, isLast, move, duplicate, remove }: RowActionsProps) {
  return (
    <div className={styles['actions']}>
      <IconButton
        small
        label={`Move ${name} up`}
        icon={<ArrowUp size={14} />}
        reason={isFirst ? 'it is the first' : undefined}
        onClick={() => move(-1)}
      />
      <IconButton
        small
        label={`Move ${name} down`}
        icon={<ArrowDown size={14} />}
        reason={isLast ? 'it is the last' : undefined}
        onClick={() => move(1)}
      />
      {duplicate && <IconButton small label={`Duplicate ${name}`} icon={<Copy size={14} />} onClick={duplicate} />}
      <IconButton small label={`Remove ${name}`} icon={<Trash2 size={14} />} onClick={remove} />
    </div>
  );
}
