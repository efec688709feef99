/** A question before something that cannot be undone. */
import { useEditorState } from '../../state/editor.ts';
import { Button, Dialog } from '../../ui/index.ts';

export function ConfirmDialog() {
  const question = useEditorState((s) => s.question);
  if (!question) return null;
  const { title, text, yes, danger, answer } = question;
  return (
    <Dialog
      title={title}
      open
      onClose={() => answer(false)}
      width={440}
      footer={
        <>
          <Button onClick={() => answer(false)}>Cancel</Button>
          <Button variant={danger ? 'danger' : 'primary'} onClick={() => answer(true)}>
            {yes}
          </Button>
        </>
      }
    >
      <p>{text}</p>
    </Dialog>
  );
}
