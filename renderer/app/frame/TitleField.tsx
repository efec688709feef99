/** The document's title, edited in its place. */
import { useEffect, useState } from 'react';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Tooltip } from '../../ui/index.ts';
import styles from './TitleField.module.css';

export function TitleField() {
  const editor = useEditor();
  const title = useEditorState((s) => s.document?.title ?? '');
  const file = useEditorState((s) => s.project?.file ?? '');
  const [draft, setDraft] = useState(title);
  useEffect(() => setDraft(title), [title]);
  const take = (): void => {
    const next = draft.trim();
    if (next === '') return setDraft(title);
    if (next !== title)
      editor.edit(`Name the document "${next}"`, (document) => ({ ...document, title: next.slice(0, 1000) }));
  };
  return (
    <Tooltip text={`${title} - ${file}`}>
      <span className={styles['box']}>
        <span className={styles['size']} aria-hidden="true">
          {draft === '' ? ' ' : draft}
        </span>
        <input
          className={styles['field']}
          aria-label="Title of the document"
          data-title-field
          spellCheck={false}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onBlur={take}
          onKeyDown={(event) => {
            if (event.key === 'Enter') event.currentTarget.blur();
            if (event.key === 'Escape') setDraft(title);
          }}
        />
      </span>
    </Tooltip>
  );
}
