/** Says that the engine is gone while edits go on, and that it is back. */
import { Check, LoaderCircle } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useEditor, useEditorState } from '../state/editor.ts';
import styles from './Banner.module.css';

const BACK_MILLISECONDS = 5000;

export function Banner() {
  const editor = useEditor();
  const connected = useEditorState((s) => s.connected);
  const [since, setSince] = useState<number>();
  const [back, setBack] = useState<string>();
  const [, tick] = useState(0);
  const seen = useRef(false);

  useEffect(() => {
    if (connected) {
      if (seen.current && since !== undefined) {
        setSince(undefined);
        const run = editor.store.getState().runs.findLast((r) => r.state === 'training' || r.state === 'preparing');
        setBack(run ? `Back. Nothing lost; run ${run.number} went on.` : 'Back. Nothing lost.');
      }
      seen.current = true;
      return undefined;
    }
    if (!seen.current) return undefined;
    setSince((known) => known ?? Date.now());
    setBack(undefined);
    const timer = setInterval(() => tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, [connected, since, editor]);
  useEffect(() => {
    if (back === undefined) return undefined;
    const timer = setTimeout(() => setBack(undefined), BACK_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [back]);

  return (
    <div role="status" aria-live="polite" className={styles['place']}>
      {since !== undefined ? (
        <p className={styles['lost']}>
          <LoaderCircle size={14} className={styles['turning']} />
          {`Engine stopped, restarting (${Math.max(0, Math.round((Date.now() - since) / 1000))} s). Go on editing: everything is kept and sent when it is back.`}
        </p>
      ) : (
        back !== undefined && (
          <p className={styles['back']}>
            <Check size={14} />
            {back}
          </p>
        )
      )}
    </div>
  );
}
