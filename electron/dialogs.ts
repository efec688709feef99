/** The system's dialogs. What a person chooses stays a path here and in the engine; the page gets a grant. */
import { dialog, type BrowserWindow, type FileFilter, type OpenDialogOptions } from 'electron';
import { OPEN_KINDS, type OpenKind } from '../engine/protocol/api/shell.ts';

const DOCUMENTS: FileFilter = { name: 'Espalier projects', extensions: ['espalier.json', 'json'] };
const ALL: FileFilter = { name: 'All files', extensions: ['*'] };

const OPTIONS: Readonly<Record<OpenKind, OpenDialogOptions>> = {
  document: { title: 'Open a project', properties: ['openFile'], filters: [DOCUMENTS, ALL] },
  data: {
    title: 'Choose data',
    properties: ['openFile'],
    filters: [{ name: 'Tables and text', extensions: ['csv', 'tsv', 'jsonl', 'json', 'txt', 'conll'] }, ALL],
  },
  'model-folder': {
    title: 'Choose a model folder',
    message: 'A folder with config.json, model.safetensors and tokenizer.json',
    properties: ['openDirectory'],
  },
  'adapter-folder': {
    title: 'Choose an adapter folder',
    message: 'A folder with adapter_config.json and adapter_model.safetensors',
    properties: ['openDirectory'],
  },
  'any-file': { title: 'Choose a file', properties: ['openFile'], filters: [ALL] },
};

export interface Chosen {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'save';
}

export function isOpenKind(value: unknown): value is OpenKind {
  return (OPEN_KINDS as readonly unknown[]).includes(value);
}

export async function chooseToOpen(window: BrowserWindow, kind: OpenKind): Promise<Chosen | undefined> {
  const options = OPTIONS[kind];
  const { canceled, filePaths } = await dialog.showOpenDialog(window, options);
  const [path] = filePaths;
  if (canceled || path === undefined) return undefined;
  return { path, kind: options.properties?.includes('openDirectory') === true ? 'folder' : 'file' };
}

/** `name` is the page's suggestion for the file's name; folders in it are cut off. */
export async function chooseToSave(window: BrowserWindow, name: string): Promise<Chosen | undefined> {
  const suggested = (name.split(/[\\/]/).pop() ?? '').replace(/[^\p{L}\p{N}._ ()-]+/gu, '-').slice(0, 120);
  const isDocument = suggested.endsWith('.json');
  const { canceled, filePath } = await dialog.showSaveDialog(window, {
    defaultPath: suggested,
    filters: isDocument ? [DOCUMENTS, ALL] : [ALL],
  });
  return canceled || filePath === undefined || filePath === '' ? undefined : { path: filePath, kind: 'save' };
}

export type QuitChoice = 'background' | 'stop' | 'cancel';

/** Asks what becomes of runs in progress when the app is quit. */
export async function askAboutRuns(window: BrowserWindow, words: readonly string[]): Promise<QuitChoice> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    title: 'Training is in progress',
    message: words.length === 1 ? 'A run is in progress.' : `${words.length} runs are in progress.`,
    detail: `${words.join('\n')}\n\nStopped runs keep their last checkpoint and can be resumed.`,
    buttons: ['Keep running in the background', 'Stop and quit', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  return response === 0 ? 'background' : response === 1 ? 'stop' : 'cancel';
}

/** The engine does not start. True when the person wants it tried again. */
export async function askToTryAgain(log: string): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'error',
    title: 'Espalier',
    message: 'The engine does not start.',
    detail: `Nothing is lost: documents and runs lie on the disk. Its last words:\n\n${log.slice(-1500)}`,
    buttons: ['Try again', 'Quit'],
    defaultId: 0,
    cancelId: 1,
    noLink: true,
  });
  return response === 0;
}
