/** Templates that ship with the app: each a project that trains as it is. */
import { LayoutTemplate } from 'lucide-react';
import { useState } from 'react';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Spinner } from '../../ui/index.ts';
import { newFrom, projectName } from '../files.ts';
import styles from './lists.module.css';

export function TemplateList() {
  const editor = useEditor();
  const templates = useEditorState((s) => s.catalog?.templates);
  const [opening, setOpening] = useState<string>();
  const open = async (template: string, title: string): Promise<void> => {
    setOpening(template);
    await newFrom(editor, { name: projectName(title), from: { kind: 'template', template } });
    setOpening(undefined);
  };
  if (!templates || templates.length === 0) return <p className={styles['none']}>This build has no templates.</p>;
  return (
    <ul className={styles['templates']}>
      {templates.map(({ name, title, help }) => (
        <li key={name}>
          <button
            type="button"
            className={styles['template']}
            data-template={name}
            aria-busy={opening === name}
            onClick={() => (opening === undefined ? void open(name, title) : undefined)}
          >
            <span className={styles['templateTitle']}>
              {opening === name ? <Spinner label="Opening" /> : <LayoutTemplate size={16} />}
              {title}
            </span>
            <span className={styles['templateHelp']}>{help}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
