/** Adding a source: what a step of the workflow trains, a finished run, or an adapter file. */
import { Plus } from 'lucide-react';
import type { BankId } from '../../engine/protocol/ids.ts';
import { importFile } from '../inspector/importFile.ts';
import { useApply } from '../inspector/hooks.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Button, Menu, type MenuItem } from '../ui/index.ts';
import { importRun } from './importRun.ts';
import { addFileSource, addSource, freshSourceName, originsOf } from './model/banks.ts';

export function AddSourceMenu({ bank }: { readonly bank: BankId }) {
  const editor = useEditor();
  const apply = useApply();
  const document = useEditorState((s) => s.document);
  const runs = useEditorState((s) => s.runs);
  if (document === undefined) return null;
  const refused = (reason: string | undefined): void => {
    if (reason !== undefined) editor.toast('warning', reason);
  };
  const addFile = async (): Promise<void> => {
    const file = await importFile(editor, '.safetensors');
    if (file !== undefined) refused(apply('Add source', addFileSource(bank, file)));
  };
  const steps: readonly MenuItem[] = originsOf(document).map((origin) => ({
    title: origin.title,
    run: () =>
      refused(
        apply(
          'Add source',
          addSource(bank, { name: freshSourceName(document, bank, origin.name), artifact: origin.artifact }),
        ),
      ),
  }));
  const done: readonly MenuItem[] = runs
    .filter((r) => r.state === 'done')
    .slice(-12)
    .reverse()
    .map((run) => ({
      title: `Run ${run.number}  ${run.name}`,
      run: () => {
        void importRun(editor, run).then((file) => {
          if (file !== undefined) refused(apply('Add source', addFileSource(bank, file)));
        });
      },
    }));
  const items: readonly MenuItem[] = [
    { title: 'Adapter file…', run: () => void addFile() },
    {
      title: 'What a step trains',
      items: steps,
      ...(steps.length === 0 ? { reason: 'The workflow has no step that trains an adapter.' } : {}),
    },
    {
      title: 'A finished run',
      items: done,
      ...(done.length === 0 ? { reason: 'No run has finished yet.' } : {}),
    },
  ];
  return (
    <Menu
      label="Add a source"
      items={items.map(({ items: inner, ...item }) =>
        inner === undefined || inner.length === 0 ? item : { ...item, items: inner },
      )}
      trigger={
        <Button small icon={<Plus size={14} />}>
          Add source
        </Button>
      }
    />
  );
}
