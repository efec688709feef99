/** The PyTorch code of the model as it is now: what is selected is marked, a click in the code selects its node. */
import { Copy, Download } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import type { Diagnostic } from '../../engine/base/errors.ts';
import { CommandError } from '../state/client.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Callout, cx, Empty } from '../ui/index.ts';
import { CodeEditor } from './CodeEditor.tsx';
import styles from './code.module.css';
import { firstModelOf } from './firstModel.ts';
import { copyCode, downloadCode } from './exportActions.ts';
import { nodeAtLine, selectedLines, selectionOf, type ExportedCode as Exported } from './model.ts';

/** After this the code follows an edit. */
const QUIET_MILLISECONDS = 250;

interface Shown {
  readonly code: Exported | undefined;
  readonly problems: readonly Diagnostic[];
  readonly revision: number;
}

export function ExportedCode() {
  const editor = useEditor();
  const project = useEditorState((s) => s.project);
  const model = useEditorState(firstModelOf);
  const revision = useEditorState((s) => s.revision);
  const pending = useEditorState((s) => s.pending);
  const selection = useEditorState((s) => s.selection);
  const [shown, setShown] = useState<Shown>();

  useEffect(() => {
    if (!project || model === undefined || pending > 0) return;
    let gone = false;
    const timer = setTimeout(
      () => {
        editor.client.call('project.code', { project: project.id, model }).then(
          (code) => !gone && setShown({ code, problems: [], revision }),
          (error: unknown) => {
            if (gone) return;
            if (error instanceof CommandError)
              setShown((before) => ({ code: before?.code, problems: error.diagnostics, revision }));
            else throw error;
          },
        );
      },
      shown === undefined ? 0 : QUIET_MILLISECONDS,
    );
    return () => {
      gone = true;
      clearTimeout(timer);
    };
    // What is shown decides about the wait alone, so it is left out: it must not ask again.
  }, [editor, project, model, revision, pending]);

  const code = shown?.code;
  const lines = useMemo(() => selectedLines(code, selection), [code, selection]);
  const select = (line: number): void => {
    const path = code && nodeAtLine(code, line);
    if (path !== undefined && model !== undefined) editor.select(selectionOf(model, path));
  };
  if (model === undefined)
    return <Empty title="No model yet" text="Open a model folder or a project to see its code." />;
  const stale = pending > 0 || (shown !== undefined && shown.revision !== revision);
  return (
    <div className={styles['pane']}>
      <div className={styles['bar']}>
        <span className={styles['barText']}>
          model.py
          {selection.nodes.length > 0 && lines.length === 0 && code ? ' - what is selected has no line of its own' : ''}
        </span>
        <Button icon={<Copy />} disabled={!code} onClick={() => void copyCode(editor)}>
          Copy
        </Button>
        <Button icon={<Download />} disabled={!code} onClick={() => void downloadCode(editor)}>
          Download
        </Button>
      </div>
      {shown && shown.problems.length > 0 && (
        <Callout tone="error" title="The model cannot be written as code now">
          {shown.problems.slice(0, 5).map((d) => (
            <p key={`${d.code} ${d.message} ${d.where.node ?? ''}`}>
              {d.message} {d.fix}
            </p>
          ))}
        </Callout>
      )}
      <div className={cx(styles['grow'], stale && styles['stale'])}>
        {code && (
          <CodeEditor
            minimap
            label="Exported PyTorch code, read-only"
            language="python"
            address="file:///model.py"
            value={code.text}
            readOnly
            highlight={lines}
            onLine={select}
          />
        )}
      </div>
    </div>
  );
}
