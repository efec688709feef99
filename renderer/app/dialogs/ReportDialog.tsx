/** A report for those who mend Espalier: shown in full before it goes anywhere, without secrets and without data. */
import { Copy, Download } from 'lucide-react';
import { useLoaded } from '../../runs/hooks.ts';
import { useEditor } from '../../state/editor.ts';
import { Button, Callout, Dialog, Spinner } from '../../ui/index.ts';
import { copyText } from '../clipboard.ts';
import type { OverlayProps } from './Dialogs.tsx';
import styles from './forms.module.css';

export function ReportDialog({ onClose }: OverlayProps) {
  const editor = useEditor();
  const { value, problem } = useLoaded('report', () => editor.client.call('app.problemReport', {}));
  const text =
    value === undefined ? undefined : `${value.text}\n\nPage: ${navigator.userAgent}, ${innerWidth}x${innerHeight}\n`;
  const save = (): void => {
    if (text === undefined) return;
    const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    const link = document.createElement('a');
    link.href = address;
    link.download = 'espalier-report.txt';
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const waiting = text === undefined ? 'The report is being made.' : undefined;
  return (
    <Dialog
      title="Report a problem"
      open
      onClose={onClose}
      width={720}
      footer={
        <>
          <Button icon={<Download />} reason={waiting} onClick={save}>
            Save as a file
          </Button>
          <Button
            variant="primary"
            icon={<Copy />}
            reason={waiting}
            onClick={() =>
              void navigator.clipboard.writeText(text ?? '').then(
                () => editor.toast('info', 'The report is on the clipboard.'),
                () => void copyText(editor, text ?? '', 'The report'),
              )
            }
          >
            Copy
          </Button>
        </>
      }
    >
      <p className={styles['text']}>
        This is everything that the report holds. It has no texts of your data, no tokens and no paths of your home
        folder. Nothing is sent by itself.
      </p>
      {problem !== undefined && <Callout tone="error">{problem}</Callout>}
      {text === undefined && problem === undefined ? (
        <Spinner />
      ) : (
        <pre className={styles['report']} tabIndex={0} aria-label="Text of the report">
          {text}
        </pre>
      )}
    </Dialog>
  );
}
