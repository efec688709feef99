/** Problems with one obvious way out that the page can take itself. */
import type { Diagnostic } from '../../engine/base/errors.ts';
import { inModel, inWorkflow, removeNode, unsetParam, type GraphAddress } from '../../engine/protocol/edit.ts';
import type { ModelId, NodeId } from '../../engine/protocol/ids.ts';
import { chooseFile } from '../state/choose.ts';
import type { Editor } from '../state/editor.ts';
import { wayTo } from './problems.ts';

export interface Fix {
  readonly title: string;
  readonly run: (editor: Editor, d: Diagnostic) => void;
}

/** The address of a graph from its text, `main:layers`. */
function graphOf(text: string): GraphAddress {
  const [level = '', path = ''] = text.split(':');
  const nodes = path === '' ? [] : (path.split('/') as NodeId[]);
  return level === 'workflow' ? inWorkflow(...nodes) : inModel(level as ModelId, ...nodes);
}

/** Asks where the file is now and tells the step. */
async function locate(editor: Editor, d: Diagnostic): Promise<void> {
  const { project, revision } = editor.store.getState();
  const { node } = d.where;
  if (!project || node === undefined) return;
  const chosen = await chooseFile(editor, 'data');
  if (!chosen) return;
  if (!('grant' in chosen)) {
    return editor.toast('info', 'Choose the file in the form of the data step, since it lies in the workspace.');
  }
  try {
    const outcome = await editor.client.call('project.relocate', {
      project: project.id,
      revision,
      step: node,
      param: d.where.param ?? 'file',
      grant: chosen.grant,
    });
    if (outcome.kind === 'refused')
      editor.toast('error', outcome.diagnostics.map((x) => `${x.message} ${x.fix}`).join('\n'));
  } catch (error) {
    editor.report(error);
  }
}

function unset(editor: Editor, d: Diagnostic): void {
  const { document } = editor.store.getState();
  const way = document && wayTo(document, d);
  const [node] = way?.selection.nodes ?? [];
  const { param } = d.where;
  if (!way || node === undefined || param === undefined) return;
  editor.reveal(way.place, way.selection);
  editor.edit(`Set ${param} to its default`, (before) =>
    unsetParam(before, { graph: graphOf(way.selection.graph), node }, param),
  );
}

function remove(editor: Editor, d: Diagnostic): void {
  const { document } = editor.store.getState();
  const way = document && wayTo(document, d);
  const [node] = way?.selection.nodes ?? [];
  if (!way || node === undefined) return;
  editor.edit(`Remove ${node}`, (before) => removeNode(before, { graph: graphOf(way.selection.graph), node }));
}

const showModels = (editor: Editor): void => editor.set({ overlay: 'app.models' });

const FIXES: ReadonlyMap<string, Fix> = new Map([
  ['file-missing', { title: 'Locate...', run: (editor, d) => void locate(editor, d) }],
  ['path-missing', { title: 'Locate...', run: (editor, d) => void locate(editor, d) }],
  ['file-unreadable', { title: 'Locate...', run: (editor, d) => void locate(editor, d) }],
  ['param-unknown', { title: 'Remove it', run: unset }],
  ['param-invalid', { title: 'Use the default', run: unset }],
  ['param-value', { title: 'Use the default', run: unset }],
  ['node-type-unknown', { title: 'Remove the node', run: remove }],
  ['backbone-missing', { title: 'Models...', run: showModels }],
  ['model-not-found', { title: 'Models...', run: showModels }],
]);

export const fixFor = (d: Diagnostic): Fix | undefined => FIXES.get(d.code);
