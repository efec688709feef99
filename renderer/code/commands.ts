/** Commands about code: exported code, the document's JSON, custom nodes. */
import type { UiCommand } from '../commands/command.ts';
import type { EditorState } from '../state/editor.ts';
import { applyDocument, newCustomNode, saveCustomNode, setCode, showCode, tryCustomNode } from './actions.ts';
import { copyCode, downloadCode } from './exportActions.ts';
import { firstModelOf } from './firstModel.ts';

const whenProject = (s: EditorState): string | undefined => (s.project ? undefined : 'Open a project first.');
const whenModel = (s: EditorState): string | undefined =>
  whenProject(s) ?? (firstModelOf(s) === undefined ? 'The document has no model yet.' : undefined);
const whenEdited = (s: EditorState): string | undefined =>
  s.code.documentDraft === undefined ? 'The JSON of the document has not been edited.' : undefined;
const openDraft = ({ code }: EditorState): { readonly name: string; readonly source: string } | undefined => {
  const source = code.custom === undefined ? undefined : code.drafts.get(code.custom);
  return code.custom === undefined || source === undefined ? undefined : { name: code.custom, source };
};
const whenDraft = (s: EditorState): string | undefined => (openDraft(s) ? undefined : 'Edit a custom node first.');

export const codeCommands: readonly UiCommand[] = [
  {
    id: 'code.exported',
    title: 'Show the exported PyTorch code',
    group: 'Code',
    words: ['python', 'export', 'torch', 'model.py'],
    unavailable: whenModel,
    run: (editor) => showCode(editor, 'export'),
  },
  {
    id: 'code.copy',
    title: 'Copy the exported code',
    group: 'Code',
    words: ['python', 'export', 'torch', 'clipboard'],
    unavailable: whenModel,
    run: copyCode,
  },
  {
    id: 'code.download',
    title: 'Download the exported code',
    group: 'Code',
    words: ['python', 'export', 'torch', 'model.py', 'save'],
    unavailable: whenModel,
    run: downloadCode,
  },
  {
    id: 'code.document',
    title: 'Edit the document as JSON',
    group: 'Code',
    words: ['source', 'text', 'schema'],
    unavailable: whenProject,
    run: (editor) => showCode(editor, 'document'),
  },
  {
    id: 'code.applyDocument',
    title: 'Apply the edited JSON',
    group: 'Code',
    words: ['document', 'source'],
    unavailable: whenEdited,
    run: applyDocument,
  },
  {
    id: 'code.discardDocument',
    title: 'Discard the edited JSON',
    group: 'Code',
    words: ['document', 'source', 'revert'],
    unavailable: whenEdited,
    run: (editor) => setCode(editor, { documentDraft: undefined }),
  },
  {
    id: 'code.custom',
    title: 'Show custom nodes',
    group: 'Code',
    words: ['typescript', 'module', 'own', 'plugin', 'extension'],
    unavailable: whenProject,
    run: (editor) => showCode(editor, 'custom'),
  },
  {
    id: 'code.newCustom',
    title: 'New custom node',
    group: 'Code',
    words: ['typescript', 'module', 'own', 'plugin', 'extension', 'write'],
    unavailable: whenProject,
    run: (editor) => newCustomNode(editor),
  },
  {
    id: 'code.tryCustom',
    title: 'Try the custom node',
    group: 'Code',
    words: ['typescript', 'trace', 'compile'],
    unavailable: whenDraft,
    run: async (editor) => {
      const draft = openDraft(editor.store.getState());
      const tried = draft && (await tryCustomNode(editor, draft.name, draft.source));
      const problem = tried?.diagnostics[0];
      if (problem) editor.toast('warning', `${problem.message} ${problem.fix}`);
      else if (tried?.trial) editor.toast('info', `"${tried.name}" works: ${tried.trial.instructions} instructions.`);
    },
  },
  {
    id: 'code.saveCustom',
    title: 'Save the custom node',
    group: 'Code',
    words: ['typescript', 'palette'],
    unavailable: whenDraft,
    run: async (editor) => {
      const draft = openDraft(editor.store.getState());
      if (draft) await saveCustomNode(editor, draft.name, draft.source);
    },
  },
];
