/** What the code view does. */
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import type { Editor } from '../state/editor.ts';
import type { CodeState, CodeTab } from './codeState.ts';
import { freeNodeName, readJson, sourceFromTemplate } from './model.ts';

export const setCode = (editor: Editor, change: { readonly [K in keyof CodeState]?: CodeState[K] }): void =>
  editor.set({ code: { ...editor.store.getState().code, ...change } });

/** Shows the code view with one of its tabs. */
export function showCode(editor: Editor, tab: CodeTab, change: { readonly custom?: string } = {}): void {
  const state = editor.store.getState();
  editor.set({ place: { ...state.place, view: 'code' }, code: { ...state.code, tab, ...change } });
}

/** Makes the edited text the document, as one step of undo; a text that is no document stays in the editor. */
export function applyDocument(editor: Editor): void {
  const { document, code, catalog, viewing } = editor.store.getState();
  if (!document || code.documentDraft === undefined || viewing) return;
  const { document: next, diagnostics } = readJson(code.documentDraft, document, 'document', catalog);
  const problem = diagnostics[0];
  if (!next || problem) {
    editor.toast(
      'warning',
      `The text is not a document. Line ${problem?.where.row ?? 1}: ${problem?.message ?? ''} ${problem?.fix ?? ''}`,
    );
    return;
  }
  if (editor.edit('Edit the document as JSON', () => next)) setCode(editor, { documentDraft: undefined });
}

export const withDraft = (
  drafts: CodeState['drafts'],
  name: string,
  source: string | undefined,
): CodeState['drafts'] => {
  const next = new Map(drafts);
  if (source === undefined) next.delete(name);
  else next.set(name, source);
  return next;
};

/** Opens a new node from the template under a free name. */
export async function newCustomNode(editor: Editor, wished = 'my-node'): Promise<void> {
  try {
    const [{ template }, nodes] = await Promise.all([
      editor.client.call('custom.types', {}),
      editor.client.call('custom.list', {}),
    ]);
    const { code } = editor.store.getState();
    const name = freeNodeName(wished, nodes, code.drafts.keys());
    const drafts = withDraft(code.drafts, name, sourceFromTemplate(template, name));
    showCode(editor, 'custom', { custom: name });
    setCode(editor, { drafts });
  } catch (error) {
    editor.report(error);
  }
}

/** Saves the source in the editor; says what came of it, or nothing when the service refused. */
export async function saveCustomNode(editor: Editor, name: string, source: string): Promise<CustomNode | undefined> {
  try {
    const saved = await editor.client.call('custom.save', { name, source });
    setCode(editor, { drafts: withDraft(editor.store.getState().code.drafts, name, undefined) });
    const problem = saved.diagnostics[0];
    if (problem) editor.toast('warning', `"${name}" is saved, but does not work yet: ${problem.message}`);
    else editor.toast('info', `"${name}" is in the palette.`);
    return saved;
  } catch (error) {
    editor.report(error);
    return undefined;
  }
}

export async function tryCustomNode(editor: Editor, name: string, source: string): Promise<CustomNode | undefined> {
  try {
    return await editor.client.call('custom.try', { name, source });
  } catch (error) {
    editor.report(error);
    return undefined;
  }
}

export async function removeCustomNode(editor: Editor, name: string): Promise<boolean> {
  const yes = await editor.ask({
    title: `Remove "${name}"?`,
    text: 'Its source is deleted from the workspace. Documents that use it keep their nodes, which cannot be trained until it is back.',
    yes: 'Remove',
    danger: true,
  });
  if (!yes) return false;
  try {
    await editor.client.call('custom.remove', { name });
    return true;
  } catch (error) {
    editor.report(error);
    return false;
  }
}

export async function allowCustomNode(editor: Editor, name: string, hash: string): Promise<boolean> {
  try {
    await editor.client.call('custom.trust', { name, hash });
    editor.toast('info', `"${name}" may run on this machine and is in the palette.`);
    return true;
  } catch (error) {
    editor.report(error);
    return false;
  }
}
