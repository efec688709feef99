/**
 * What the desktop shell gives the page as `globalThis.espalier`; absent in a browser. Paths stay with the shell and the
 * engine: the page gets grants. Each call is one message whose sender the shell checks.
 */
import type { GrantId, RunId } from './fields.ts';

/** Which dialog: what may be chosen, and its words. */
export const OPEN_KINDS = ['document', 'data', 'model-folder', 'adapter-folder', 'any-file'] as const;
export type OpenKind = (typeof OPEN_KINDS)[number];

export interface ShellGrant {
  readonly grant: GrantId;
  /** The file's name without its folder; for people. */
  readonly name: string;
}

export interface ShellRun {
  readonly run: RunId;
  readonly name: string;
  /** `Training`, `43 %, 2 min left`; for people. */
  readonly words: string;
  /** 0 to 1 where it is known; drawn on the icon of the taskbar. */
  readonly progress?: number;
}

export interface Shell {
  /** The session's token; the shell has verified that the page's engine is the one that it started. */
  token(): Promise<string>;
  /** The system's dialog; undefined when the person cancelled. */
  openDialog(kind: OpenKind): Promise<ShellGrant | undefined>;
  saveDialog(name: string): Promise<ShellGrant | undefined>;
  /** The title of the window; `edited` is the dot in the close button of macOS, a star elsewhere. */
  setTitle(title: string, edited?: boolean): void;
  /** Runs that are in progress: keeps the computer awake, and is asked about before the app quits. */
  setRunning(runs: readonly ShellRun[]): void;
  /** A message of the system; shown only while the window is not in front. */
  notify(title: string, body: string): void;
  /** Menu entries run commands of the page by their id. */
  onMenu(listener: (command: string) => void): void;
  /** A file was opened from the desktop, the command line or a second launch. */
  onOpenFile(listener: (file: ShellGrant) => void): void;
  /** An entry of the menu of recent files, by its place in `app.recent`. */
  onOpenRecent(listener: (index: number) => void): void;
  /**
   * The window is about to close. The listener writes what is not written yet and, where `stopRuns` is set, stops the runs;
   * the window closes when its promise settles, and at the latest after ten seconds.
   */
  onCloseRequest(listener: (request: { readonly stopRuns: boolean }) => Promise<void>): void;
}
