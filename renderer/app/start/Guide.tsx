/** The guided first run: a card beside the real screen. It goes on by itself when a step is done, by whatever way. */
import { Check, Wand2, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useCommands } from '../../commands/runner.ts';
import { resultWords } from '../../runs/words.ts';
import { chooseFile, sourceOf } from '../../state/choose.ts';
import { CommandError } from '../../state/client.ts';
import { useEditor, useEditorState, type Editor, type GuideStep } from '../../state/editor.ts';
import { GUIDE_STEPS } from '../../state/editorState.ts';
import { useDerived } from '../../runs/hooks.ts';
import { Button, cx, IconButton, Spinner } from '../../ui/index.ts';
import { addModelFolder } from '../files.ts';
import { changeSettings } from '../settings.ts';
import { addBackbone, addData, addMethod, isDone, nextStep, STEP_WORDS, trainingWords } from './guide.ts';
import styles from './Guide.module.css';
import { Jobs } from './Jobs.tsx';

const FOCUS_MILLISECONDS = 60;

export function Guide() {
  const step = useEditorState((s) => s.guide);
  return step === undefined ? null : <Card step={step} />;
}

/** Leaves the guide; what was made stays as it is. */
function leave(editor: Editor): void {
  const { project, guide } = editor.store.getState();
  if (guide === undefined) return;
  editor.set({ guide: undefined });
  void changeSettings(editor, { firstRunDone: true });
  if (project) {
    editor.toast('info', 'You left the guide; everything made so far is kept.', {
      title: 'Go on',
      command: 'help.guide',
    });
  }
}

function Card({ step }: { readonly step: GuideStep }) {
  const editor = useEditor();
  const runner = useCommands();
  const [busy, setBusy] = useState(false);
  const main = useRef<HTMLButtonElement>(null);
  const done = useDerived((s) => GUIDE_STEPS.map((x) => isDone(s, x)));
  const training = useEditorState((s) => s.runs.some((r) => ['queued', 'preparing', 'training'].includes(r.state)));
  const result = useDerived((s) => s.runs.findLast((r) => r.state === 'done'));
  const settings = useEditorState((s) => (s.document ? trainingWords(s.document) : ''));
  const finished = done.every((d) => d);

  // Steps are left behind when they are done, also when the person did them in another way.
  useEffect(() => {
    const next = nextStep(editor.store.getState()) ?? 'train';
    if (next !== step) editor.set({ guide: next });
  }, [done, step, editor]);
  useEffect(() => {
    if (finished) void changeSettings(editor, { firstRunDone: true });
  }, [finished, editor]);
  // Enter goes from step to step; the button is drawn anew while it works and when the screen behind it changes.
  useEffect(() => {
    if (busy) return undefined;
    const timer = setTimeout(() => main.current?.focus(), FOCUS_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [step, busy, finished]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      if (document.querySelector('[role="dialog"], [role="menu"], [role="listbox"]')) return;
      leave(editor);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [editor]);

  const act = async (work: () => void | Promise<void>): Promise<void> => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      if (error instanceof CommandError || !(error instanceof Error)) editor.report(error);
      else editor.toast('error', error.message);
    } finally {
      setBusy(false);
    }
  };
  const doIt = (): Promise<void> =>
    act(() => {
      switch (step) {
        case 'backbone':
          return addBackbone(editor);
        case 'data':
          return addData(editor, { sample: true });
        case 'method':
          return addMethod(editor);
        case 'train':
          return runner.run('run.train');
      }
    });
  const doOwn = (): Promise<void> =>
    act(async () => {
      switch (step) {
        case 'backbone':
          return addModelFolder(editor);
        case 'data': {
          const chosen = await chooseFile(editor, 'data');
          return chosen ? addData(editor, sourceOf(chosen)) : undefined;
        }
        case 'method':
          return editor.set({ rail: 'add' });
        case 'train': {
          const { document: shown, place } = editor.store.getState();
          const train = Object.entries(shown?.workflow.nodes ?? {}).find(([, s]) => s.type === 'train')?.[0];
          editor.reveal(
            { ...place, level: 'workflow', view: 'graph' },
            { graph: 'workflow:', nodes: train === undefined ? [] : [train as never], edges: [] },
          );
          return editor.set({ inspector: true });
        }
      }
    });

  const words = STEP_WORDS[step];
  return (
    <aside className={styles['card']} aria-label="Guided first run" data-guide={finished ? 'finished' : step}>
      <header className={styles['head']}>
        <ol className={styles['steps']}>
          {GUIDE_STEPS.map((x, i) => (
            <li
              key={x}
              className={cx(
                styles['dot'],
                done[i] === true && styles['done'],
                x === step && !finished && styles['now'],
              )}
              aria-current={x === step && !finished ? 'step' : undefined}
              aria-label={`${i + 1}. ${STEP_WORDS[x].title}${done[i] === true ? ', done' : ''}`}
            >
              {done[i] === true ? <Check size={12} strokeWidth={3} /> : i + 1}
            </li>
          ))}
        </ol>
        <IconButton
          label="Leave the guide, keep the work"
          icon={<X />}
          keys="Escape"
          small
          side="top"
          onClick={() => leave(editor)}
        />
      </header>
      <div aria-live="polite">
        <h2 className={styles['title']}>{finished ? 'Your model is trained' : words.title}</h2>
        <p className={styles['text']}>
          {finished
            ? `${result ? resultWords(result) : 'Done'}. Try it on your own sentences, or change a module and train again.`
            : words.text}
        </p>
        {step === 'train' && !finished && settings !== '' && <p className={styles['note']}>{settings}</p>}
      </div>
      <Jobs />
      <div className={styles['actions']}>
        {finished ? (
          <>
            <Button variant="primary" ref={main} onClick={() => editor.set({ drawer: 'try', guide: undefined })}>
              Try it
            </Button>
            <Button variant="quiet" onClick={() => editor.set({ guide: undefined })}>
              Close
            </Button>
          </>
        ) : step === 'train' && training ? (
          <span className={styles['waiting']}>
            <Spinner label="Training" />
            <span>Training. The curve is below.</span>
          </span>
        ) : (
          <>
            <Button
              variant="primary"
              icon={<Wand2 />}
              ref={main}
              reason={busy ? 'Working on it.' : undefined}
              onClick={() => void doIt()}
            >
              {busy ? 'Working' : 'Do it for me'}
            </Button>
            <Button variant="quiet" disabled={busy} onClick={() => void doOwn()}>
              {words.own}
            </Button>
          </>
        )}
      </div>
    </aside>
  );
}
