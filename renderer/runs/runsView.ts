/** What the drawer shows of runs: chosen by the person, kept while the window is open, never saved. */
import type { RunId } from '../../engine/protocol/api/fields.ts';

export const X_AXES = ['steps', 'examples', 'seconds'] as const;
export type XAxis = (typeof X_AXES)[number];

export const RESULT_TABS = ['summary', 'classes', 'examples', 'updates', 'files'] as const;
export type ResultTab = (typeof RESULT_TABS)[number];

export interface RunsView {
  /** Runs that are ticked for comparison; their curves lie over each other. */
  readonly compared: readonly RunId[];
  /** The run that the others are measured against. */
  readonly baseline: RunId | undefined;
  readonly x: XAxis;
  /** Weight of the past in the smoothed curve, 0 to 0.99. */
  readonly smoothing: number;
  /** Runs that differ in their seed alone are drawn as mean and deviation. */
  readonly groupSeeds: boolean;
  readonly logScale: boolean;
  /** Curves as a table of numbers. */
  readonly asTable: boolean;
  /** The part of the x axis that all charts show; everything when missing. */
  readonly zoom: { readonly from: number; readonly to: number } | undefined;
  /** What the drawer's tab of runs shows: all of them, one run's results, or two and more side by side. */
  readonly page: 'list' | 'results' | 'compare';
  readonly tab: ResultTab;
}

export const RUNS_VIEW: RunsView = {
  compared: [],
  baseline: undefined,
  x: 'steps',
  smoothing: 0.6,
  groupSeeds: true,
  logScale: false,
  asTable: false,
  zoom: undefined,
  page: 'list',
  tab: 'summary',
};
