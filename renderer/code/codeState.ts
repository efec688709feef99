/** What the code view shows: kept while the window is open; sources that are not saved outlive it (drafts.ts). */
export const CODE_TABS = ['export', 'document', 'custom'] as const;
export type CodeTab = (typeof CODE_TABS)[number];

export interface CodeState {
  readonly tab: CodeTab;
  /** Name of the custom node in the editor. */
  readonly custom: string | undefined;
  /** Sources that are not saved yet, by the names of their nodes. */
  readonly drafts: ReadonlyMap<string, string>;
  /** The document's text while it is not applied. */
  readonly documentDraft: string | undefined;
  /** The custom node whose source the person is asked to read and allow. */
  readonly consent: string | undefined;
}

export const CODE_STATE: CodeState = {
  tab: 'export',
  custom: undefined,
  drafts: new Map(),
  documentDraft: undefined,
  consent: undefined,
};
