/** After training: how much of each source a mixture takes, and whether its sources can become one adapter. */
import { Merge } from 'lucide-react';
import { useState } from 'react';
import { graphAt, nodeAt, stackAt, type ModelNodeAddress } from '../../engine/protocol/edit.ts';
import { layersOf } from '../../engine/protocol/selection.ts';
import { Section } from '../inspector/Section.tsx';
import { useWeights } from '../inspector/LiveSection.tsx';
import { withoutLayers } from '../inspector/model/figures.ts';
import { changesSince, shownRun } from '../runs/live.ts';
import { showResults } from '../runs/actions.ts';
import { relationOf } from '../runs/changes.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, Callout } from '../ui/index.ts';
import { SourceHeat } from './SourceHeat.tsx';
import styles from './sources.module.css';

/** The mixtures that a node is, or that its bank feeds. */
function mixturesOf(document: Parameters<typeof graphAt>[0], at: ModelNodeAddress): readonly string[] {
  const node = nodeAt(document, at);
  if (node === undefined) return [];
  if (node.bank === undefined) return [at.node];
  const edges = graphAt(document, at.graph)?.edges ?? [];
  return [at.node, ...edges.filter((e) => e.from.node === at.node).map((e) => e.to.node)];
}

export function LearntWeights({ at }: { readonly at: ModelNodeAddress }) {
  const document = useEditorState((s) => s.document);
  const run = useEditorState(shownRun);
  const stale = useEditorState((s) => {
    const changes = run === undefined ? undefined : changesSince(s, run);
    return changes !== undefined && relationOf(changes) === 'other';
  });
  const weights = useWeights(run);
  if (document === undefined || run === undefined || weights === undefined) return null;
  const names = new Set(mixturesOf(document, at));
  const found = weights.sources.filter((s) => names.has(withoutLayers(s.node).at(-1) ?? ''));
  if (found.length === 0) return null;
  const range = stackAt(document, at.graph);
  return (
    <Section
      title="Learnt weights"
      note={stale ? <Badge tone="warning">{`run ${run.number}, earlier graph`}</Badge> : `run ${run.number}`}
    >
      {found.map((s) => (
        <SourceHeat
          key={s.node}
          names={s.names}
          values={s.values}
          layers={range === undefined ? [] : layersOf(range)}
        />
      ))}
      <MergeSources run={run.run} />
    </Section>
  );
}

type Answer =
  | { readonly state: 'idle' | 'asking' }
  | { readonly state: 'known'; readonly possible: boolean; readonly words: string; readonly difference?: number };

function MergeSources({ run }: { readonly run: NonNullable<ReturnType<typeof shownRun>>['run'] }) {
  const editor = useEditor();
  const [answer, setAnswer] = useState<Answer>({ state: 'idle' });
  const ask = async (): Promise<void> => {
    setAnswer({ state: 'asking' });
    try {
      const found = await editor.client.call('run.mergeSources', { run });
      // The merged adapter is a new file of the run.
      if (found.possible) editor.runData.forget(run);
      setAnswer({ state: 'known', ...found });
    } catch (error) {
      setAnswer({ state: 'idle' });
      editor.report(error);
    }
  };
  return (
    <>
      <Button small icon={<Merge size={14} />} disabled={answer.state === 'asking'} onClick={() => void ask()}>
        {answer.state === 'asking' ? 'Measuring…' : 'Merge into one adapter'}
      </Button>
      {answer.state === 'known' && (
        <Callout
          tone={answer.possible ? 'info' : 'warning'}
          action={
            answer.possible ? (
              <Button small onClick={() => showResults(editor, run, 'files')}>
                Show files
              </Button>
            ) : undefined
          }
        >
          {answer.words}
          {answer.possible && ' It lies with the files of the run.'}
        </Callout>
      )}
      {answer.state === 'idle' && (
        <p className={styles['quiet']}>
          Where the mixture is linear in its sources, they become one adapter; the difference is measured.
        </p>
      )}
    </>
  );
}
