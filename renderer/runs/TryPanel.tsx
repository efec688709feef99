/** Texts that trained models answer: one run, or several side by side. */
import { FileUp, History, MessageSquareText, Play } from 'lucide-react';
import { useState } from 'react';
import type { RunId } from '../../engine/protocol/api/fields.ts';
import type { RunSummary, TryResult } from '../../engine/protocol/api/runs.ts';
import { Button, Callout, Checkbox, Empty, Menu, Popover, Spinner, TextField } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { CommandError } from '../state/client.ts';
import { useDerived } from './hooks.ts';
import { shownRun } from './live.ts';
import { TryAnswer } from './TryAnswer.tsx';
import { textsOf, withHistory } from './tries.ts';
import styles from './try.module.css';
import { runTitle } from './words.ts';

type Outcome =
  | { readonly kind: 'busy' }
  | { readonly kind: 'done'; readonly results: readonly TryResult[] }
  | { readonly kind: 'failed'; readonly words: string };

const MOST_TEXTS = 64;

export function TryPanel() {
  const editor = useEditor();
  const done = useDerived((s) => s.runs.filter((r) => r.state === 'done'));
  const shown = useEditorState(shownRun);
  const [chosen, setChosen] = useState<readonly RunId[]>([]);
  const [box, setBox] = useState('');
  const [pair, setPair] = useState('');
  const [isPair, setIsPair] = useState(false);
  const [history, setHistory] = useState<readonly string[]>([]);
  const [outcomes, setOutcomes] = useState<ReadonlyMap<RunId, Outcome>>(new Map());
  if (done.length === 0)
    return (
      <Empty
        icon={<MessageSquareText />}
        title="No trained model yet"
        text="When a run has finished, type a text here and see what the model answers."
      />
    );
  const first = done.find((r) => r.run === shown?.run) ?? done.at(-1);
  const runs = done.filter((r) => r.run === first?.run || chosen.includes(r.run));
  const texts = textsOf(box);
  const reason =
    texts.length === 0
      ? 'Type a text first.'
      : texts.length > MOST_TEXTS
        ? `At most ${MOST_TEXTS} texts at once; predict a file instead.`
        : undefined;
  const ask = async (): Promise<void> => {
    if (reason !== undefined) return;
    setHistory(withHistory(history, box));
    setOutcomes(new Map(runs.map((r) => [r.run, { kind: 'busy' }])));
    const pairs = isPair ? pairsOf(pair, texts.length) : undefined;
    await Promise.all(
      runs.map(async ({ run }) => {
        let outcome: Outcome;
        try {
          const results = await editor.client.call('run.try', {
            run,
            texts: [...texts],
            ...(pairs ? { pairs: [...pairs] } : {}),
          });
          outcome = { kind: 'done', results };
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          outcome = { kind: 'failed', words: error.message };
        }
        setOutcomes((before) => new Map(before).set(run, outcome));
      }),
    );
  };
  const onKeyDown = (event: { key: string; ctrlKey: boolean; metaKey: boolean; preventDefault: () => void }): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      void ask();
    }
  };
  return (
    <section className={styles['panel']} aria-label="Try it">
      <div className={styles['input']}>
        <TextField
          label="Text"
          value={box}
          lines={4}
          placeholder="One text per line"
          note="Ctrl+Enter asks. Every line is a text of its own."
          onChange={setBox}
          onKeyDown={onKeyDown}
        />
        {isPair && (
          <TextField
            label="Second text"
            value={pair}
            lines={2}
            placeholder="One line for each text above"
            onChange={setPair}
            onKeyDown={onKeyDown}
          />
        )}
        <div className={styles['actions']}>
          <Button variant="primary" icon={<Play />} reason={reason} onClick={() => void ask()}>
            {runs.length > 1 ? `Ask ${runs.length} runs` : 'Ask'}
          </Button>
          <Popover
            label="Runs that answer"
            trigger={<Button variant="plain">{runs.map(shortTitle).join(', ')}</Button>}
          >
            <div className={styles['pick']}>
              {[...done].reverse().map((run) => (
                <Checkbox
                  key={run.run}
                  label={`${runTitle(run)} · ${run.recipe}`}
                  checked={runs.includes(run)}
                  disabled={run.run === first?.run && runs.length === 1}
                  onChange={(on) => {
                    if (on) setChosen([...chosen, run.run]);
                    else {
                      const rest = runs.filter((r) => r.run !== run.run);
                      setChosen(rest.map((r) => r.run));
                      const [next] = rest;
                      if (run.run === first?.run && next) editor.set({ run: next.run });
                    }
                  }}
                />
              ))}
            </div>
          </Popover>
          {history.length > 0 && (
            <Menu
              label="What was tried"
              trigger={
                <Button variant="quiet" icon={<History />}>
                  Earlier
                </Button>
              }
              items={history.map((text) => ({
                title: text.length > 60 ? `${text.slice(0, 59)}…` : text,
                run: () => setBox(text),
              }))}
            />
          )}
          <Checkbox label="Pairs" checked={isPair} help="Two texts for each answer" onChange={setIsPair} />
          <span className={styles['space']} />
          <Button
            variant="quiet"
            icon={<FileUp />}
            onClick={() => editor.set({ overlay: 'runs.predictFile', ...(first ? { run: first.run } : {}) })}
          >
            Predict a file
          </Button>
        </div>
      </div>
      <div className={styles['answers']} aria-live="polite">
        {runs.map((run) => {
          const outcome = outcomes.get(run.run);
          return outcome && <Answers key={run.run} run={run} outcome={outcome} named={runs.length > 1} />;
        })}
        {outcomes.size === 0 && <p className={styles['hint']}>Answers are shown here.</p>}
      </div>
    </section>
  );
}

const shortTitle = (run: RunSummary): string => `Run ${run.number}`;

/** A second text for each text; the last one serves the rest. */
function pairsOf(box: string, count: number): readonly string[] {
  const given = textsOf(box);
  return Array.from({ length: count }, (_, i) => given[i] ?? given.at(-1) ?? '');
}

function Answers({
  run,
  outcome,
  named,
}: {
  readonly run: RunSummary;
  readonly outcome: Outcome;
  readonly named: boolean;
}) {
  return (
    <div className={styles['column']}>
      {named && (
        <h3 className={styles['columnTitle']} title={`${runTitle(run)} · ${run.recipe}`}>
          {runTitle(run)} <span className={styles['recipe']}>{run.recipe}</span>
        </h3>
      )}
      {outcome.kind === 'busy' && (
        <p className={styles['hint']}>
          <Spinner label="The model answers" /> The model answers
        </p>
      )}
      {outcome.kind === 'failed' && <Callout tone="error">{outcome.words}</Callout>}
      {outcome.kind === 'done' &&
        outcome.results.map((result, i) => <TryAnswer key={`${i} ${result.text}`} result={result} />)}
    </div>
  );
}
