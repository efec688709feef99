/** Files that are dropped on the window: a document opens, data starts a project or joins it, an adapter becomes modules. */
import { FileUp } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useEditor } from '../state/editor.ts';
import { filesOf } from '../state/dropped.ts';
import { kindOfFiles, takeFiles } from './drops.ts';
import styles from './DropZone.module.css';

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;

export function DropZone({ children }: { readonly children: ReactNode }) {
  const editor = useEditor();
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  useEffect(() => {
    const leave = (): void => {
      depth.current = 0;
      setOver(false);
    };
    const onEnter = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      depth.current += 1;
      setOver(true);
    };
    const onLeave = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      depth.current -= 1;
      if (depth.current <= 0) leave();
    };
    const onOver = (event: DragEvent): void => {
      if (hasFiles(event)) event.preventDefault();
    };
    const onDrop = (event: DragEvent): void => {
      const transfer = event.dataTransfer;
      if (!transfer || !hasFiles(event)) return;
      leave();
      const kind = kindOfFiles([...transfer.files].map((f) => f.name));
      // The canvas takes adapters itself and puts them at their places.
      const isOnCanvas = event.target instanceof Element && event.target.closest('.react-flow') !== null;
      if (isOnCanvas && kind !== 'document' && kind !== 'data') return;
      event.preventDefault();
      event.stopPropagation();
      void filesOf(transfer)
        .then((files) => takeFiles(editor, files))
        .catch(editor.report);
    };
    addEventListener('dragenter', onEnter);
    addEventListener('dragleave', onLeave);
    addEventListener('dragover', onOver);
    addEventListener('drop', onDrop, true);
    return () => {
      removeEventListener('dragenter', onEnter);
      removeEventListener('dragleave', onLeave);
      removeEventListener('dragover', onOver);
      removeEventListener('drop', onDrop, true);
    };
  }, [editor]);
  return (
    <>
      {children}
      {over && (
        <div className={styles['zone']} aria-hidden="true">
          <div className={styles['card']}>
            <FileUp size={28} />
            <p className={styles['title']}>Drop to open</p>
            <p className={styles['text']}>
              A project (.espalier.json), data (csv, tsv, jsonl), or a Hugging Face adapter
            </p>
          </div>
        </div>
      )}
    </>
  );
}
