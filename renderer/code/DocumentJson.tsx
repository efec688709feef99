/** The document as JSON, checked against its schema while it is edited. Applying it is one step of undo. */
import { Check, Undo2 } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { printDocument } from '../../engine/protocol/print.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, Empty, formatPlural } from '../ui/index.ts';
import { CodeEditor } from './CodeEditor.tsx';
import styles from './code.module.css';
import { applyDocument, setCode } from './actions.ts';
import { readJson } from './model.ts';

const QUIET_MILLISECONDS = 200;

/** A value once it has been the same for a while. */
function useQuiet<T>(value: T): T {
  const [quiet, setQuiet] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setQuiet(value), QUIET_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [value]);
  return quiet;
}

export function DocumentJson() {
  const editor = useEditor();
  const document = useEditorState((s) => s.document);
  const draft = useEditorState((s) => s.code.documentDraft);
  const catalog = useEditorState((s) => s.catalog);
  const viewing = useEditorState((s) => s.viewing !== undefined);
  const printed = useMemo(() => (document ? printDocument(document) : ''), [document]);
  const quiet = useQuiet(draft);
  const read = useMemo(
    () => (document && quiet !== undefined ? readJson(quiet, document, 'document', catalog) : undefined),
    [document, quiet, catalog],
  );
  if (!document) return <Empty title="No project" text="Open a project to see its document." />;
  const errors = read?.diagnostics.length ?? 0;
  const fits = draft === quiet && read?.document !== undefined && errors === 0;
  const reason =
    draft === undefined
      ? 'Nothing has been changed.'
      : viewing
        ? 'The graph of a run is shown; go back to the draft first.'
        : errors > 0
          ? `The text is not a document: ${read?.diagnostics[0]?.message ?? ''}`
          : undefined;
  return (
    <div className={styles['pane']}>
      <div className={styles['bar']}>
        <span className={styles['barText']} role="status">
          {draft === undefined
            ? 'The document as it is now'
            : fits
              ? `${formatPlural(read.changes, 'place')} changed, not applied yet`
              : 'Edited'}
        </span>
        {errors > 0 && (
          <Badge tone="error">
            {formatPlural(errors, 'problem')}, line {read?.diagnostics[0]?.where.row ?? 1}
          </Badge>
        )}
        <Button
          icon={<Undo2 />}
          disabled={draft === undefined}
          onClick={() => setCode(editor, { documentDraft: undefined })}
        >
          Discard
        </Button>
        <Button
          icon={<Check />}
          variant="primary"
          keys="Ctrl+S"
          disabled={!fits || viewing}
          reason={reason}
          onClick={() => applyDocument(editor)}
        >
          Apply
        </Button>
      </div>
      <div className={styles['grow']}>
        <CodeEditor
          minimap
          label="Document as JSON"
          language="json"
          address="file:///document.espalier.json"
          value={draft ?? printed}
          readOnly={viewing}
          problems={read?.diagnostics ?? []}
          onChange={(text) => setCode(editor, { documentDraft: text === printed ? undefined : text })}
          onSave={() => applyDocument(editor)}
        />
      </div>
    </div>
  );
}
