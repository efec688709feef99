/**
 * The messages of the page. Each names its sender, which must be the main frame of our page, and is read by its own little
 * rule; what does not fit is dropped.
 */
import { ipcMain, Notification, type BrowserWindow } from 'electron';
import type { ShellRun } from '../engine/protocol/api/shell.ts';
import { CHANNELS } from './channels.ts';
import { chooseToOpen, chooseToSave, isOpenKind, type Chosen } from './dialogs.ts';
import type { Engine } from './engine.ts';
import { isFromPage } from './security.ts';

export interface MessagePorts {
  readonly engine: Engine;
  readonly window: () => BrowserWindow | undefined;
  readonly setTitle: (title: string, edited: boolean) => void;
  readonly setRunning: (runs: readonly ShellRun[]) => void;
  readonly onReady: () => void;
  readonly onClosed: () => void;
  readonly show: () => void;
}

const text = (value: unknown, most: number): string =>
  typeof value === 'string' ? value.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, ' ').slice(0, most) : '';

export function readRuns(value: unknown): readonly ShellRun[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, 1000).map((item: unknown) => {
    const { run, name, words, progress } = (item ?? {}) as Record<string, unknown>;
    const share = typeof progress === 'number' && progress >= 0 && progress <= 1 ? { progress } : {};
    return { run: text(run, 64) as ShellRun['run'], name: text(name, 200), words: text(words, 200), ...share };
  });
}

export function listen(ports: MessagePorts): void {
  const { engine } = ports;
  const from = (event: Electron.IpcMainEvent | Electron.IpcMainInvokeEvent): BrowserWindow | undefined => {
    const window = ports.window();
    return isFromPage(event, window?.webContents, engine.origin) ? window : undefined;
  };
  const asked = <T>(channel: string, answer: (window: BrowserWindow, value: unknown) => T | Promise<T>): void => {
    ipcMain.handle(channel, async (event, value: unknown) => {
      const window = from(event);
      if (window === undefined) throw new Error('This page may not ask the shell.');
      return answer(window, value);
    });
  };
  const told = (channel: string, take: (...values: readonly unknown[]) => void): void => {
    ipcMain.on(channel, (event, ...values: unknown[]) => {
      if (from(event) !== undefined) take(...values);
    });
  };
  const granted = (chosen: Chosen | undefined): ReturnType<Engine['grant']> | undefined =>
    chosen === undefined ? undefined : engine.grant(chosen.path, chosen.kind);

  asked(CHANNELS.token, () => engine.token);
  asked(CHANNELS.openDialog, async (window, kind) => {
    if (!isOpenKind(kind)) throw new Error('There is no such dialog.');
    return granted(await chooseToOpen(window, kind));
  });
  asked(CHANNELS.saveDialog, async (window, name) => granted(await chooseToSave(window, text(name, 200))));
  told(CHANNELS.setTitle, (title, edited) => ports.setTitle(text(title, 200), edited === true));
  told(CHANNELS.setRunning, (runs) => ports.setRunning(readRuns(runs)));
  told(CHANNELS.ready, () => ports.onReady());
  told(CHANNELS.closed, () => ports.onClosed());
  told(CHANNELS.notify, (title, body) => {
    const window = ports.window();
    if (window?.isFocused() === true || !Notification.isSupported()) return;
    const notification = new Notification({ title: text(title, 100), body: text(body, 300) });
    notification.on('click', () => ports.show());
    notification.show();
  });
}
