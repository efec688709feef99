/** Files that were open lately. */
import { FileJson2 } from 'lucide-react';
import { useLoaded } from '../../runs/hooks.ts';
import { useEditor } from '../../state/editor.ts';
import { cx, formatTime, Spinner } from '../../ui/index.ts';
import { openFrom } from '../files.ts';
import styles from './lists.module.css';

export function RecentList() {
  const editor = useEditor();
  const { value, problem } = useLoaded('recent', () => editor.client.call('app.recent', {}));
  if (problem !== undefined) return <p className={styles['none']}>{problem}</p>;
  if (!value) return <Spinner label="Reading recent files" />;
  if (value.length === 0)
    return <p className={styles['none']}>Nothing was opened yet. Projects you open appear here.</p>;
  return (
    <ul className={styles['recent']}>
      {value.map((file, index) => (
        <li key={`${file.file}.${file.opened}`}>
          <button
            type="button"
            className={cx(styles['file'], file.missing && styles['missing'])}
            aria-disabled={file.missing || undefined}
            title={file.missing ? `${file.file} is not where it was.` : file.file}
            onClick={() => (file.missing ? undefined : void openFrom(editor, { recent: index }))}
          >
            <FileJson2 size={18} />
            <span className={styles['fileText']}>
              <span className={styles['fileTitle']}>{file.title}</span>
              <span className={styles['fileName']}>{file.missing ? `missing: ${file.file}` : file.file}</span>
            </span>
            <time className={styles['time']} dateTime={file.opened}>
              {formatTime(file.opened)}
            </time>
          </button>
        </li>
      ))}
    </ul>
  );
}
