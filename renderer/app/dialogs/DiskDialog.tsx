/** What takes room on the disk, and removing what is not used. */
import { Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useLoaded } from '../../runs/hooks.ts';
import { useEditor } from '../../state/editor.ts';
import { Button, Callout, Checkbox, Dialog, Empty, formatBytes, Spinner } from '../../ui/index.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './forms.module.css';

const NONE: ReadonlySet<string> = new Set();

export function DiskDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const { value, problem, again } = useLoaded('disk', () => editor.client.call('app.disk', {}));
  const [chosen, setChosen] = useState(NONE);
  const entries = useMemo(() => [...(value?.entries ?? [])].sort((a, b) => b.bytes - a.bytes), [value]);
  const total = entries.reduce((sum, e) => sum + e.bytes, 0);
  const freed = entries.reduce((sum, e) => sum + (chosen.has(e.id) ? e.bytes : 0), 0);
  const remove = async (): Promise<void> => {
    const yes = await editor.ask({
      title: `Remove ${formatBytes(freed)}?`,
      text: 'Results and models that are removed cannot be brought back. Models can be downloaded again.',
      yes: 'Remove',
      danger: true,
    });
    if (!yes) return;
    try {
      const done = await editor.client.call('app.cleanDisk', { ids: [...chosen] });
      editor.toast('info', `${formatBytes(done.freed)} are free now.`);
      setChosen(NONE);
      again();
    } catch (error) {
      editor.report(error);
    }
  };
  const toggle = (id: string, on: boolean): void => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  return (
    <Dialog
      title="Disk use"
      open
      onClose={onClose}
      width={600}
      footer={
        <>
          <span className={styles['total']}>{`${formatBytes(total)} in all`}</span>
          <Button
            variant="danger"
            icon={<Trash2 />}
            reason={chosen.size === 0 ? 'Tick what is to be removed.' : undefined}
            onClick={() => void remove()}
          >
            {chosen.size === 0 ? 'Remove' : `Remove ${formatBytes(freed)}`}
          </Button>
        </>
      }
    >
      {problem !== undefined && <Callout tone="error">{problem}</Callout>}
      {!value && problem === undefined && <Spinner />}
      {value && entries.length === 0 && (
        <Empty title="Nothing here yet" text="Models and results of runs will be listed here." />
      )}
      <ul className={styles['list']}>
        {entries.map((entry) => (
          <li key={entry.id} className={styles['line']}>
            <Checkbox
              label={`Remove ${entry.what}`}
              hideLabel
              checked={chosen.has(entry.id)}
              disabled={!entry.removable}
              onChange={(on) => toggle(entry.id, on)}
            />
            <span className={styles['lineText']}>
              <span className={styles['lineName']} title={entry.what}>
                {entry.what}
              </span>
              {!entry.removable && <span className={styles['lineNote']}>in use</span>}
            </span>
            <span className={styles['lineFigure']}>{formatBytes(entry.bytes)}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
