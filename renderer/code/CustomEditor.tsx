/** One custom node: its source with types and completion, and beside it what a trial makes of it. */
import { FlaskConical, Save, ShieldQuestion, SquareArrowOutUpRight, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { useEditor } from '../state/editor.ts';
import { Button, Callout, IconButton, TextField } from '../ui/index.ts';
import { removeCustomNode, saveCustomNode, setCode, tryCustomNode, withDraft } from './actions.ts';
import { CodeEditor } from './CodeEditor.tsx';
import styles from './code.module.css';
import { NODE_NAME, useOnCanvas } from './model.ts';
import { TrialPanel } from './TrialPanel.tsx';

export interface CustomEditorProps {
  readonly name: string;
  readonly source: string;
  readonly stored: CustomNode | undefined;
  readonly isDraft: boolean;
  readonly onChanged: () => void;
}

/** The declaration files of the node API, asked for once the editor of custom nodes is shown. */
function useNodeTypes(): void {
  const editor = useEditor();
  useEffect(() => {
    Promise.all([editor.client.call('custom.types', {}), import('./monaco/load.ts')]).then(
      ([{ files }, { addNodeTypes }]) => addNodeTypes(files),
      (error: unknown) => editor.report(error),
    );
  }, [editor]);
}

/** Below this the trial stands under the source instead of beside it. */
const NARROW = 780;

/** Whether the place is narrower than that; the element is watched, since panels beside it open and close. */
function useNarrow(): readonly [(element: HTMLElement | null) => void, boolean] {
  const [element, setElement] = useState<HTMLElement | null>(null);
  const [narrow, setNarrow] = useState(false);
  useEffect(() => {
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => entry && setNarrow(entry.contentRect.width < NARROW));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return [setElement, narrow];
}

export function CustomEditor({ name, source, stored, isDraft, onChanged }: CustomEditorProps) {
  const editor = useEditor();
  const [tried, setTried] = useState<CustomNode>();
  const [busy, setBusy] = useState<'try' | 'save'>();
  const [place, narrow] = useNarrow();
  useNodeTypes();
  const locked = stored !== undefined && !stored.trusted && !isDraft;
  const result = tried?.source === source ? tried : undefined;
  const problems = result?.diagnostics ?? (isDraft ? [] : (stored?.diagnostics ?? []));

  const change = (text: string): void => {
    const { drafts } = editor.store.getState().code;
    setCode(editor, { drafts: withDraft(drafts, name, text === stored?.source ? undefined : text) });
  };
  const run = async (what: 'try' | 'save'): Promise<void> => {
    if (locked || busy) return;
    setBusy(what);
    const act = what === 'try' ? tryCustomNode : saveCustomNode;
    const done = await act(editor, name, source);
    setBusy(undefined);
    if (done) setTried(done);
    if (done && what === 'save') onChanged();
  };
  const remove = async (): Promise<void> => {
    const drop = (): void => {
      const { code } = editor.store.getState();
      setCode(editor, { custom: undefined, drafts: withDraft(code.drafts, name, undefined) });
    };
    if (stored === undefined) return drop();
    if (await removeCustomNode(editor, name)) {
      drop();
      onChanged();
    }
  };
  return (
    <section className={styles['node']} aria-label={`Custom node ${name}`}>
      <div className={styles['bar']}>
        <Rename name={name} fixed={stored !== undefined} source={source} />
        <span className={styles['barText']} role="status">
          {locked ? 'From elsewhere, not allowed yet' : isDraft ? 'Not saved' : 'Saved and in the palette'}
        </span>
        <IconButton label={`Remove ${name}`} icon={<Trash2 />} onClick={() => void remove()} />
        <Button
          icon={<SquareArrowOutUpRight />}
          reason={isDraft || !stored?.info ? 'Save a node that works first.' : undefined}
          onClick={() => stored && useOnCanvas(editor, stored)}
        >
          Use on canvas
        </Button>
        <Button
          icon={<FlaskConical />}
          keys="Ctrl+Enter"
          reason={locked ? 'Read the source and allow it first.' : undefined}
          onClick={() => void run('try')}
        >
          {busy === 'try' ? 'Trying...' : 'Try'}
        </Button>
        <Button
          icon={<Save />}
          variant="primary"
          keys="Ctrl+S"
          reason={locked ? 'Read the source and allow it first.' : isDraft ? undefined : 'Nothing has been changed.'}
          onClick={() => void run('save')}
        >
          {busy === 'save' ? 'Saving...' : 'Save'}
        </Button>
      </div>
      {locked && (
        <Callout
          tone="warning"
          title="This source has not been allowed on this machine"
          action={
            <Button icon={<ShieldQuestion />} onClick={() => setCode(editor, { consent: name })}>
              Read and allow
            </Button>
          }
        >
          <p>It was put into the workspace from outside. It is shown here and never run until you allow it.</p>
        </Callout>
      )}
      <div ref={place} className={styles['split']} data-narrow={narrow || undefined}>
        <div className={styles['grow']}>
          <CodeEditor
            label={`Source of the custom node ${name}`}
            language="typescript"
            address={`file:///custom-nodes/${name}.ts`}
            value={source}
            readOnly={locked}
            problems={problems}
            onChange={change}
            onSave={() => void run('save')}
            onRun={() => void run('try')}
          />
        </div>
        <TrialPanel name={name} result={result} info={result?.info ?? (isDraft ? undefined : stored?.info)} />
      </div>
    </section>
  );
}

/** The name of a node that is not stored yet can be changed; the type in its source follows. */
function Rename({ name, fixed, source }: { readonly name: string; readonly fixed: boolean; readonly source: string }) {
  const editor = useEditor();
  if (fixed) return <h2 className={styles['nodeName']}>custom.{name}</h2>;
  const rename = (next: string): void => {
    if (next === name) return;
    const { drafts } = editor.store.getState().code;
    if (!NODE_NAME.test(next)) {
      editor.toast('warning', 'Begin the name with a small letter; use letters, digits and hyphens, at most 40.');
      return;
    }
    if (drafts.has(next)) {
      editor.toast('warning', `There is a node "${next}" already.`);
      return;
    }
    const renamed = source.replaceAll(`'custom.${name}'`, `'custom.${next}'`);
    setCode(editor, { custom: next, drafts: withDraft(withDraft(drafts, name, undefined), next, renamed) });
  };
  return (
    <div className={styles['nodeField']}>
      <TextField label="Name" hideLabel value={name} mono onCommit={rename} />
    </div>
  );
}
