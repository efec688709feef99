/**
 * Runs in the page's process before the page, in a world of its own, and gives it `globalThis.espalier`. It passes messages
 * on and decides nothing.
 */
import { contextBridge, ipcRenderer } from 'electron';
import type { Shell } from '../engine/protocol/api/shell.ts';
import { CHANNELS } from './channels.ts';

const shell: Shell = {
  token: () => ipcRenderer.invoke(CHANNELS.token) as ReturnType<Shell['token']>,
  openDialog: (kind) => ipcRenderer.invoke(CHANNELS.openDialog, kind) as ReturnType<Shell['openDialog']>,
  saveDialog: (name) => ipcRenderer.invoke(CHANNELS.saveDialog, name) as ReturnType<Shell['saveDialog']>,
  setTitle: (title, edited) => ipcRenderer.send(CHANNELS.setTitle, title, edited === true),
  setRunning: (runs) => ipcRenderer.send(CHANNELS.setRunning, runs),
  notify: (title, body) => ipcRenderer.send(CHANNELS.notify, title, body),
  onMenu: (listener) => {
    ipcRenderer.on(CHANNELS.menu, (_event, command: string) => listener(command));
  },
  onOpenFile: (listener) => {
    ipcRenderer.on(CHANNELS.openFile, (_event, file: Parameters<typeof listener>[0]) => listener(file));
    ipcRenderer.send(CHANNELS.ready);
  },
  onOpenRecent: (listener) => {
    ipcRenderer.on(CHANNELS.openRecent, (_event, index: number) => listener(index));
  },
  onCloseRequest: (listener) => {
    ipcRenderer.on(CHANNELS.closeRequest, (_event, request: Parameters<typeof listener>[0]) => {
      const done = (): void => ipcRenderer.send(CHANNELS.closed);
      listener(request).then(done, done);
    });
  },
};

contextBridge.exposeInMainWorld('espalier', shell);
