/** Custom nodes: the list, the editor with the node API's types, what a trial of the node makes, and consent to foreign ones. */
import { useCallback, useEffect, useState } from 'react';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Empty } from '../ui/index.ts';
import { newCustomNode, setCode, showCode } from './actions.ts';
import { ConsentDialog } from './ConsentDialog.tsx';
import { CustomEditor } from './CustomEditor.tsx';
import { CustomList } from './CustomList.tsx';
import styles from './code.module.css';

/** The list as the service has it, read again when the catalog changes. */
function useCustomNodes(): { readonly nodes: readonly CustomNode[] | undefined; readonly reload: () => void } {
  const editor = useEditor();
  const catalog = useEditorState((s) => s.catalog);
  const [nodes, setNodes] = useState<readonly CustomNode[]>();
  const [count, setCount] = useState(0);
  useEffect(() => {
    let gone = false;
    editor.client.call('custom.list', {}).then(
      (list) => !gone && setNodes(list),
      (error: unknown) => editor.report(error),
    );
    return () => {
      gone = true;
    };
  }, [editor, catalog, count]);
  return { nodes, reload: useCallback(() => setCount((n) => n + 1), []) };
}

export function CustomNodes() {
  const editor = useEditor();
  const code = useEditorState((s) => s.code);
  const { nodes, reload } = useCustomNodes();
  const { custom: name, drafts } = code;
  const stored = nodes?.find((n) => n.name === name);
  const source = (name === undefined ? undefined : drafts.get(name)) ?? stored?.source;
  const asked = nodes?.find((n) => n.name === code.consent);
  return (
    <div className={styles['custom']}>
      <CustomList
        nodes={nodes}
        drafts={drafts}
        open={name}
        onOpen={(next) => showCode(editor, 'custom', { custom: next })}
      />
      {name !== undefined && source !== undefined ? (
        <CustomEditor
          key={name}
          name={name}
          source={source}
          stored={stored}
          isDraft={drafts.has(name)}
          onChanged={reload}
        />
      ) : (
        <div className={styles['customEmpty']}>
          <Empty
            title="Write a module of your own"
            text="A custom node is TypeScript that describes a computation: parameters, shapes, operations. It trains, merges and exports like the modules that come with the app, and runs in a sandbox."
            action={
              <Button variant="primary" onClick={() => void newCustomNode(editor)}>
                New from the template
              </Button>
            }
          />
        </div>
      )}
      {asked && (
        <ConsentDialog
          node={asked}
          onClose={() => setCode(editor, { consent: undefined })}
          onAllowed={() => {
            setCode(editor, { consent: undefined });
            reload();
          }}
        />
      )}
    </div>
  );
}
