/** Code: the exported module, the JSON of the document, custom nodes. */
import { useEditor, useEditorState } from '../state/editor.ts';
import { Tabs } from '../ui/index.ts';
import { setCode } from './actions.ts';
import type { CodeTab } from './codeState.ts';
import { CustomNodes } from './CustomNodes.tsx';
import { DocumentJson } from './DocumentJson.tsx';
import { ExportedCode } from './ExportedCode.tsx';
import styles from './code.module.css';

export function CodeView() {
  const editor = useEditor();
  const tab = useEditorState((s) => s.code.tab);
  const edited = useEditorState((s) => s.code.documentDraft !== undefined);
  const drafts = useEditorState((s) => s.code.drafts.size);
  return (
    <div className={styles['view']} data-area="code">
      <Tabs<CodeTab>
        label="Code"
        value={tab}
        className={styles['tabs']}
        onChange={(next) => setCode(editor, { tab: next })}
        tabs={[
          { value: 'export', title: 'Exported code', body: tab === 'export' && <ExportedCode /> },
          {
            value: 'document',
            title: 'Document JSON',
            ...(edited ? { badge: 'edited' } : {}),
            body: tab === 'document' && <DocumentJson />,
          },
          {
            value: 'custom',
            title: 'Custom nodes',
            ...(drafts > 0 ? { badge: `${drafts} not saved` } : {}),
            body: tab === 'custom' && <CustomNodes />,
          },
        ]}
      />
    </div>
  );
}
