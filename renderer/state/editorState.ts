/** Everything that one window knows; `editor.ts` changes it. */
import type { AppInfo, Settings } from '../../engine/protocol/api/app.ts';
import type { Catalog } from '../../engine/protocol/api/catalog.ts';
import type { CheckView } from '../../engine/protocol/api/check.ts';
import type { GrantId, ProjectId, RunId } from '../../engine/protocol/api/fields.ts';
import type { RunSummary } from '../../engine/protocol/api/runs.ts';
import type { Document } from '../../engine/protocol/document.ts';
import { CODE_STATE, type CodeState } from '../code/codeState.ts';
import { RUNS_VIEW, type RunsView } from '../runs/runsView.ts';
import type { Picking } from './choose.ts';
import { NO_HISTORY, type History } from './history.ts';
import { NOTHING_SELECTED, type DrawerTab, type Place, type RailTab, type Selection } from './place.ts';

export interface Toast {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
  /** A command that the toast offers. */
  readonly action?: { readonly title: string; readonly command: string };
}

export interface Job {
  readonly job: string;
  readonly what: string;
  readonly done: number;
  readonly of: number;
  readonly failed?: string;
}

export const GUIDE_STEPS = ['backbone', 'data', 'method', 'train'] as const;
export type GuideStep = (typeof GUIDE_STEPS)[number];

export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button says that goes on. */
  readonly yes: string;
  readonly danger: boolean;
  readonly answer: (yes: boolean) => void;
}

export interface ProjectInfo {
  readonly id: ProjectId;
  readonly file: string;
  readonly folder: string;
}

export interface EditorState {
  readonly connected: boolean;
  readonly info: AppInfo | undefined;
  readonly settings: Settings | undefined;
  readonly catalog: Catalog | undefined;
  readonly project: ProjectInfo | undefined;
  readonly document: Document | undefined;
  /** Revision of the document that the service has confirmed. */
  readonly revision: number;
  /** Edits that the service has not confirmed yet. */
  readonly pending: number;
  readonly savedRevision: number;
  readonly history: History;
  readonly place: Place;
  readonly selection: Selection;
  /** The latest check; stale while `check.revision` is behind or edits are pending. */
  readonly check: CheckView | undefined;
  readonly runs: readonly RunSummary[];
  /** The run whose figures the drawer shows. */
  readonly run: RunId | undefined;
  /** What the drawer's charts and tables show of runs. */
  readonly runsView: RunsView;
  /** The run that the matrix compares the draft with. */
  readonly compareRun: RunId | undefined;
  /** The data step that the drawer shows; the first when missing. */
  readonly dataStep: string | undefined;
  readonly dataPage: 'rows' | 'checks';
  /** Documents of runs that were asked for; what a run trains never changes. */
  readonly runDocuments: ReadonlyMap<RunId, Document>;
  /** The graph of a run is shown instead of the draft, read-only; `draft` waits behind it. */
  readonly viewing: { readonly run: RunId; readonly draft: Document } | undefined;
  /** What the code view shows. */
  readonly code: CodeState;
  readonly rail: RailTab | undefined;
  readonly drawer: DrawerTab | undefined;
  readonly inspector: boolean;
  /** The dialog or palette that is open, by its id; each area draws its own. */
  readonly overlay: string | undefined;
  readonly toasts: readonly Toast[];
  /** Whether the overlay "what trains?" is drawn. */
  readonly whatTrains: boolean;
  /** Long works of the service that have not ended: downloads of models. */
  readonly jobs: readonly Job[];
  /** The step of the guided first run that waits for the person. */
  readonly guide: GuideStep | undefined;
  /** Data that was dropped on Start and waits in the form of a new project. */
  readonly dropped: { readonly grant: GrantId; readonly name: string } | undefined;
  /** A file that the page's own dialog asks for. */
  readonly picking: Picking | undefined;
  /** A question that must be answered before something is done. */
  readonly question: Question | undefined;
}

export const START: EditorState = {
  connected: false,
  info: undefined,
  settings: undefined,
  catalog: undefined,
  project: undefined,
  document: undefined,
  revision: 0,
  pending: 0,
  savedRevision: 0,
  history: NO_HISTORY,
  place: { level: 'model', view: 'graph', layer: 'all' },
  selection: NOTHING_SELECTED,
  check: undefined,
  runs: [],
  run: undefined,
  runsView: RUNS_VIEW,
  compareRun: undefined,
  dataStep: undefined,
  dataPage: 'rows',
  runDocuments: new Map(),
  viewing: undefined,
  code: CODE_STATE,
  rail: undefined,
  drawer: undefined,
  inspector: true,
  overlay: undefined,
  toasts: [],
  whatTrains: false,
  jobs: [],
  guide: undefined,
  dropped: undefined,
  picking: undefined,
  question: undefined,
};
