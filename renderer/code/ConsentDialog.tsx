/** Asks for consent to a source that came from elsewhere. The whole source is shown, and its hash is what is allowed. */
import { useState } from 'react';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { useEditor } from '../state/editor.ts';
import { Button, Checkbox, Dialog, formatPlural } from '../ui/index.ts';
import { allowCustomNode } from './actions.ts';
import { CodeEditor } from './CodeEditor.tsx';
import styles from './code.module.css';

export interface ConsentDialogProps {
  readonly node: CustomNode;
  readonly onClose: () => void;
  readonly onAllowed: () => void;
}

export function ConsentDialog({ node, onClose, onAllowed }: ConsentDialogProps) {
  const editor = useEditor();
  const [read, setRead] = useState(false);
  const lines = node.source.split('\n').length;
  const allow = async (): Promise<void> => {
    if (await allowCustomNode(editor, node.name, node.hash)) onAllowed();
  };
  return (
    <Dialog
      title={`Allow the custom node "${node.name}"?`}
      open
      onClose={onClose}
      width={860}
      footer={
        <>
          <Button onClick={onClose}>Do not allow</Button>
          <Button variant="primary" reason={read ? undefined : 'Read the source first.'} onClick={() => void allow()}>
            Allow this source
          </Button>
        </>
      }
    >
      <p>
        This source lies in the folder <b>custom-nodes</b> of the workspace. It can only describe a computation: it runs
        in a sandbox without files and network. What it describes becomes part of your models and of exported code.
      </p>
      <div className={styles['consentCode']}>
        <CodeEditor
          label={`Source of ${node.name}, read-only`}
          language="typescript"
          address={`file:///consent/${node.name}.ts`}
          value={node.source}
          readOnly
        />
      </div>
      <p className={styles['hash']}>
        {formatPlural(lines, 'line')}, SHA-256 <code className={styles['mono']}>{node.hash}</code>
      </p>
      <Checkbox label="I have read the source" checked={read} onChange={setRead} />
      <p className={styles['faint']}>A changed source has another hash and is asked for again.</p>
    </Dialog>
  );
}
