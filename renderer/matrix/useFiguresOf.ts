/** The figures that the matrix shows, by its mode: of the check, of a run's curve, of what a run changed, of its graph. */
import { useEffect, useMemo } from 'react';
import type { RunSummary, WeightsView } from '../../engine/protocol/api/runs.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { stackName } from '../../engine/protocol/document.ts';
import { figuresOfModel } from '../inspector/model/figures.ts';
import { useWeights } from '../inspector/LiveSection.tsx';
import { latestNorms } from '../runs/curve.ts';
import { useCurve } from '../runs/hooks.ts';
import { shownRun } from '../runs/live.ts';
import { useEditor, useEditorState, type EditorState } from '../state/editor.ts';
import type { Grid } from './model/grid.ts';
import {
  memoryFigures,
  normFigures,
  parameterFigures,
  updateFigures,
  type Figures,
  type ShowMode,
} from './model/heat.ts';

const NO_FIGURES: Figures = new Map();

/** The run that figures are taken from: the one to compare with, else the one that the drawer shows. */
export const matrixRun = (s: EditorState): RunSummary | undefined =>
  s.runs.find((r) => r.run === s.compareRun) ?? shownRun(s);

export interface MatrixFigures {
  readonly parameters: Figures;
  readonly memory: Figures;
  /** Of the mode that is shown. */
  readonly shown: Figures;
  readonly weights: WeightsView | undefined;
  readonly before: Document | undefined;
  /** Why the mode has nothing to show. */
  readonly missing: string | undefined;
}

export function useFiguresOf(document: Document | undefined, grid: Grid, mode: ShowMode): MatrixFigures {
  const check = useEditorState((s) => s.check);
  const run = useEditorState(matrixRun);
  const before = useEditorState((s) => (run === undefined ? undefined : s.runDocuments.get(run.run)));
  const weights = useWeights(mode === 'update norm' || mode === 'omega' ? run : undefined);
  const norms = latestNorms(useCurve(mode === 'grad norm' || mode === 'update norm' ? run?.run : undefined));
  useRunDocument(mode === 'diff to run' ? run : undefined);
  const figures = figuresOfModel(check, grid.model);
  const stacks = useMemo(() => stackNames(document, grid), [document, grid]);
  const parameters = useMemo(() => parameterFigures(figures, stacks), [figures, stacks]);
  const memory = useMemo(() => memoryFigures(figures), [figures]);
  const shown = useMemo((): Figures => {
    switch (mode) {
      case 'parameters':
        return parameters;
      case 'memory':
        return memory;
      case 'grad norm':
        return normFigures(norms, 'gradient/', stacks);
      case 'update norm':
        // How far training moved a parameter is known at its end; until then, how far the last step did.
        return weights ? updateFigures(weights, stacks) : normFigures(norms, 'update/', stacks);
      case 'module':
      case 'omega':
      case 'diff to run':
        return NO_FIGURES;
    }
  }, [mode, parameters, memory, norms, weights, stacks]);
  const missing = whyMissing(mode, run, shown, weights, before);
  return useMemo(
    () => ({ parameters, memory, shown, weights, before, missing }),
    [parameters, memory, shown, weights, before, missing],
  );
}

function stackNames(document: Document | undefined, grid: Grid): ReadonlySet<string> {
  const nodes = document?.models[grid.model]?.nodes ?? {};
  return new Set(
    grid.parts.map((id) => {
      const node = (nodes as Readonly<Record<string, (typeof nodes)[never]>>)[id];
      return node?.stack === undefined ? id : stackName(id, node.stack);
    }),
  );
}

function whyMissing(
  mode: ShowMode,
  run: RunSummary | undefined,
  shown: Figures,
  weights: WeightsView | undefined,
  before: Document | undefined,
): string | undefined {
  if (mode === 'module' || mode === 'parameters' || mode === 'memory') return undefined;
  if (run === undefined) return 'No run yet. Train once, then the matrix shows what training did.';
  const name = `Run ${run.number}`;
  if (mode === 'diff to run') return before === undefined ? `${name}: its graph is being read.` : undefined;
  if (mode === 'grad norm')
    return shown.size === 0 ? `${name} recorded no gradient norms of single parameters.` : undefined;
  if (mode === 'update norm' && shown.size > 0) return undefined;
  if (weights === undefined)
    return run.state === 'done' || run.state === 'stopped'
      ? `${name}: its weights are being read.`
      : `${name} has not ended yet.`;
  if (mode === 'omega') return weights.sources.length === 0 ? `${name} has no mixture of sources.` : undefined;
  return undefined;
}

function useRunDocument(run: RunSummary | undefined): void {
  const editor = useEditor();
  const id = run?.run;
  useEffect(() => {
    if (id !== undefined) editor.runData.document(id).catch((error: unknown) => editor.report(error));
  }, [editor, id]);
}
