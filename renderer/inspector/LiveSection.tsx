/** What a run says of a node: norm of its gradient and how far training moved it, while the draft is what was trained. */
import { useEffect, useState } from 'react';
import type { RunSummary, WeightsView } from '../../engine/protocol/api/runs.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { ModelNodeAddress } from '../../engine/protocol/edit.ts';
import { latestNorms } from '../runs/curve.ts';
import { useCurve } from '../runs/hooks.ts';
import { liveRun } from '../runs/live.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { formatFigure } from '../ui/index.ts';
import { belongs } from './model/figures.ts';
import { normsOf } from './model/live.ts';
import { Facts, Section, type Fact } from './Section.tsx';

export function LiveSection({ document, at }: { readonly document: Document; readonly at: ModelNodeAddress }) {
  const run = useEditorState(liveRun);
  return run === undefined ? null : <Live key={run.run} document={document} at={at} run={run} />;
}

function Live({
  document,
  at,
  run,
}: {
  readonly document: Document;
  readonly at: ModelNodeAddress;
  readonly run: RunSummary;
}) {
  const norms = latestNorms(useCurve(run.run));
  const weights = useWeights(run);
  const own = (name: string): boolean => belongs(document, at, name) !== undefined;
  const gradient = normsOf(norms, 'gradient/', own);
  const update = normsOf(norms, 'update/', own);
  const moved = (weights?.parameters ?? []).filter((p) => own(p.name));
  const facts: Fact[] = [
    ...(gradient === undefined ? [] : [{ name: 'Norm of the gradient', value: formatFigure(gradient) }]),
    ...(update === undefined ? [] : [{ name: 'Norm of the update', value: formatFigure(update) }]),
    ...(moved.length === 0
      ? []
      : [
          { name: 'Moved by training', value: formatFigure(Math.hypot(...moved.map((p) => p.updateNorm))) },
          { name: 'Norm after training', value: formatFigure(Math.hypot(...moved.map((p) => p.norm))) },
        ]),
  ];
  if (facts.length === 0) return null;
  return (
    <Section title="Training" note={`run ${run.number}`}>
      <Facts facts={facts} />
    </Section>
  );
}

/** What training changed; known when the run has ended. */
export function useWeights(run: RunSummary | undefined): WeightsView | undefined {
  const editor = useEditor();
  const [found, setFound] = useState<{ readonly run: string; readonly weights: WeightsView }>();
  const id = run?.state === 'done' || run?.state === 'stopped' ? run.run : undefined;
  useEffect(() => {
    if (id === undefined) return;
    let alive = true;
    editor.runData
      .weights(id)
      .then((weights) => (alive ? setFound({ run: id, weights }) : undefined))
      // A run without a trained state has none; the results say so.
      .catch(() => undefined);
    return () => {
      alive = false;
    };
  }, [editor, id]);
  return found !== undefined && found.run === id ? found.weights : undefined;
}
