/** The messages between page and shell; `Shell` in the protocol says what they mean. The preload script is their only sender. */
export const CHANNELS = {
  token: 'espalier:token',
  openDialog: 'espalier:open-dialog',
  saveDialog: 'espalier:save-dialog',
  setTitle: 'espalier:set-title',
  setRunning: 'espalier:set-running',
  notify: 'espalier:notify',
  /** The page listens from now on; what came before is sent then. */
  ready: 'espalier:ready',
  closed: 'espalier:closed',
  menu: 'espalier:menu',
  openFile: 'espalier:open-file',
  openRecent: 'espalier:open-recent',
  closeRequest: 'espalier:close-request',
} as const;
