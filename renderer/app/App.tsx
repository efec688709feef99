/** The page: connects to the service, then shows Start or the open project; without a session it says how to get one. */
import { useEffect, useState } from 'react';
import { connect, CommandError } from '../state/client.ts';
import { createEditor, EditorProvider, type Editor } from '../state/editor.ts';
import { Spinner, UiRoot } from '../ui/index.ts';
import { keepDrafts } from '../code/drafts.ts';
import { NoSession } from './NoSession.tsx';
import { connectShell } from './shellBridge.ts';
import { followProject, resumeProject } from './session.ts';
import { Window } from './Window.tsx';
import styles from './App.module.css';

type State =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'failed'; readonly message: string; readonly fix: string }
  | { readonly kind: 'ready'; readonly editor: Editor };

async function start(): Promise<Editor> {
  const editor = createEditor(await connect());
  const { client } = editor;
  const [info, settings, catalog] = await Promise.all([
    client.call('app.info', {}),
    client.call('app.settings', {}),
    client.call('app.catalog', {}),
  ]);
  editor.set({ info, settings, catalog });
  await resumeProject(editor);
  followProject(editor);
  keepDrafts(editor);
  connectShell(editor);
  return editor;
}

export function App() {
  const [state, setState] = useState<State>({ kind: 'connecting' });
  useEffect(() => {
    let wanted = true;
    let editor: Editor | undefined;
    start().then(
      (made) => {
        editor = made;
        if (wanted) setState({ kind: 'ready', editor: made });
        else made.client.close();
      },
      (error: unknown) => {
        if (!wanted) return;
        const [first] = error instanceof CommandError ? error.diagnostics : [];
        setState({
          kind: 'failed',
          message: first?.message ?? 'Espalier could not start.',
          fix: first?.fix ?? (error instanceof Error ? error.message : String(error)),
        });
      },
    );
    return () => {
      wanted = false;
      editor?.client.close();
    };
  }, []);
  return (
    <UiRoot>
      {state.kind === 'ready' ? (
        <EditorProvider value={state.editor}>
          <Window />
        </EditorProvider>
      ) : state.kind === 'failed' ? (
        <NoSession message={state.message} fix={state.fix} />
      ) : (
        <div className={styles['centre']}>
          <Spinner label="Connecting to the engine" />
        </div>
      )}
    </UiRoot>
  );
}
