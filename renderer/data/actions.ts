/** What a person does with data: choose a file, say what a column is, set the length limit. */
import type { DataPreview } from '../../engine/protocol/api/data.ts';
import type { GrantId, ProjectId } from '../../engine/protocol/api/fields.ts';
import { inWorkflow, setParam } from '../../engine/protocol/edit.ts';
import type { NodeId } from '../../engine/protocol/ids.ts';
import type { Editor } from '../state/editor.ts';
import { chooseFile, sourceOf, type Chosen } from '../state/choose.ts';
import { addTable, setTable, tableOf, dataSteps, withRole, type ColumnRole } from './steps.ts';

/** Asks for a file and makes it the one of a data table; a project without one gets a table. */
export async function chooseDataFile(editor: Editor, step?: NodeId): Promise<void> {
  const chosen = await chooseFile(editor, 'data');
  if (chosen) await takeDataFile(editor, chosen, step);
}

/** A file becomes a file of the project; its columns are guessed anew. One step of undo. */
async function takeDataFile(editor: Editor, chosen: Chosen, step: NodeId | undefined): Promise<void> {
  const { project, document } = editor.store.getState();
  if (!project || !document) return;
  try {
    const guess = await editor.client.call('data.look', sourceOf(chosen));
    const name = 'path' in chosen ? chosen.path : await importedName(editor, project.id, chosen.grant);
    const table = tableOf(document, step ?? firstTable(editor));
    editor.edit(`Use ${name}`, (draft) =>
      table === undefined ? addTable(draft, name, guess) : setTable(draft, table, { file: name, ...guessed(guess) }),
    );
    editor.set({ drawer: 'data' });
  } catch (error) {
    editor.report(error);
  }
}

const importedName = async (editor: Editor, project: ProjectId, grant: GrantId): Promise<string> =>
  (await editor.client.call('files.import', { project, grant })).file;

/** Says where the file of a table is now; its columns stay as they were chosen. */
export async function locateTable(editor: Editor, step: NodeId): Promise<void> {
  const { project, revision } = editor.store.getState();
  const chosen = project && (await chooseFile(editor, 'data'));
  if (!chosen) return;
  if ('path' in chosen) {
    editor.edit(`Locate ${chosen.name}`, (draft) => setTable(draft, step, { file: chosen.path }));
    return;
  }
  try {
    const { grant } = chosen;
    await editor.client.call('project.relocate', { project: project.id, revision, step, param: 'file', grant });
  } catch (error) {
    editor.report(error);
  }
}

const guessed = ({ task, text, label }: DataPreview) => ({ task, text: [...text], label: [...label] });

const firstTable = (editor: Editor): NodeId | undefined => {
  const { document } = editor.store.getState();
  return document && dataSteps(document).find((s) => s.type === 'data.table' && s.node !== undefined)?.node;
};

export function setRole(editor: Editor, table: NodeId, preview: DataPreview, column: string, role: ColumnRole): void {
  const columns = withRole(column, role, preview.text, preview.label, preview.task === 'multilabel');
  editor.edit(`Column ${column}: ${ROLE_WORDS[role]}`, (draft) =>
    setTable(draft, table, { text: [...columns.text], label: [...columns.label] }),
  );
}

export const ROLE_WORDS: Readonly<Record<ColumnRole, string>> = {
  text: 'text',
  second: 'second text',
  label: 'label',
  none: 'not used',
};

export const TASKS = [
  { value: 'classification', title: 'One label', help: 'Each text has one of several labels.' },
  { value: 'multilabel', title: 'Many labels', help: 'Each text has any number of labels, one 0/1 column each.' },
  { value: 'regression', title: 'Number', help: 'Each text has a number.' },
  { value: 'tokens', title: 'Tags of words', help: 'Each word has a tag.' },
] as const;

export const setTask = (editor: Editor, table: NodeId, task: string): boolean =>
  editor.edit(`Task: ${task}`, (draft) => setTable(draft, table, { task }));

export const setMaxLength = (editor: Editor, train: NodeId, length: number): boolean =>
  editor.edit(`Maximum length ${length}`, (draft) =>
    setParam(draft, { graph: inWorkflow(), node: train }, 'maxLength', length),
  );
