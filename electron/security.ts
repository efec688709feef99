/**
 * Everything that the shell refuses: permissions, foreign addresses, new windows, embedded views, messages from anywhere but
 * the page. One place, so that it can be read at once; `tests/electron/security.test.ts` says which of Electron's points is
 * tested where.
 */
import { app, shell, type IpcMainEvent, type IpcMainInvokeEvent, type Session, type WebContents } from 'electron';
import { isOurs, isSafeLink, mayLoad } from './addresses.ts';

/** The engine's origin while it is verified; undefined before that and while it is gone. */
export type TrustedOrigin = () => string | undefined;

/** Settings of the page's window. `enableRemoteModule` and `worldSafeExecuteJavaScript` are read by old versions alone. */
export function webPreferences(preload: string): Electron.WebPreferences {
  const ofOldVersions: object = { enableRemoteModule: false, worldSafeExecuteJavaScript: true };
  return {
    ...ofOldVersions,
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    navigateOnDragDrop: false,
    // The dictionaries of the spelling checker come from the network.
    spellcheck: false,
    // Curves and the notice at the end arrive while the window is hidden too.
    backgroundThrottling: false,
    enableWebSQL: false,
  };
}

/** Permissions that a page may be given: writing to the clipboard after a click, which copying needs. */
const GRANTED: readonly string[] = ['clipboard-sanitized-write'];

export function hardenSession(session: Session, origin: TrustedOrigin): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => answer(GRANTED.includes(permission)));
  session.setPermissionCheckHandler((_contents, permission) => GRANTED.includes(permission));
  if (typeof session.setDevicePermissionHandler === 'function') session.setDevicePermissionHandler(() => false);
  // While the engine is not verified nothing leaves the page: whoever listens on its port then never sees the token.
  session.webRequest.onBeforeRequest((details, answer) => {
    const trusted = origin();
    const local = details.url.startsWith('devtools:') || details.url.startsWith('data:');
    answer({ cancel: !local && (trusted === undefined || !mayLoad(details.url, trusted)) });
  });
  session.on('will-download', (event, item) => {
    const trusted = origin();
    const from = item.getURL();
    const blob = trusted !== undefined && from.startsWith(`blob:${trusted}/`);
    if (trusted === undefined || !(blob || isOurs(from, trusted))) event.preventDefault();
  });
}

/** Opens a link in the system's browser when it is one of those that the app links to. */
export function openLink(address: string): boolean {
  if (!isSafeLink(address)) return false;
  void shell.openExternal(new URL(address).href);
  return true;
}

function hardenContents(contents: WebContents, origin: TrustedOrigin): void {
  const stay = (event: Electron.Event, address: string): void => {
    const trusted = origin();
    if (trusted !== undefined && isOurs(address, trusted)) return;
    event.preventDefault();
    openLink(address);
  };
  contents.on('will-navigate', (event, address) => stay(event, address));
  contents.on('will-redirect', (event, address) => stay(event, address));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  if (typeof contents.setWindowOpenHandler === 'function') {
    contents.setWindowOpenHandler(({ url }) => {
      openLink(url);
      return { action: 'deny' };
    });
  } else {
    // Versions before 12 have this event instead, which the types of the current version lack.
    const emitter: NodeJS.EventEmitter = contents as never;
    emitter.on('new-window', (event: Electron.Event, url: string) => {
      event.preventDefault();
      openLink(url);
    });
  }
}

/** Hardens every page of the app as soon as it exists. */
export function hardenApp(origin: TrustedOrigin): void {
  app.on('web-contents-created', (_event, contents) => hardenContents(contents, origin));
}

/** True for a message from the main frame of this page, which shows the engine's origin. */
export function isFromPage(
  event: IpcMainEvent | IpcMainInvokeEvent,
  page: WebContents | undefined,
  origin: TrustedOrigin,
): boolean {
  const trusted = origin();
  if (page === undefined || trusted === undefined || event.sender !== page) return false;
  // Versions before 12 know no frame of a sender; there the preload script runs in the main frame alone.
  const frame = (event as { readonly senderFrame?: Electron.WebFrameMain | null }).senderFrame;
  if (frame === null) return false;
  if (frame !== undefined && frame.parent !== null) return false;
  return isOurs(frame === undefined ? event.sender.getURL() : frame.url, trusted);
}
