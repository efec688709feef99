/** Downloads that are under way, and those that failed. */
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Callout, formatBytes, IconButton, Progress } from '../../ui/index.ts';
import { X } from 'lucide-react';
import styles from './Jobs.module.css';

export function Jobs() {
  const editor = useEditor();
  const jobs = useEditorState((s) => s.jobs);
  if (jobs.length === 0) return null;
  const forget = (job: string): void => editor.set({ jobs: editor.store.getState().jobs.filter((j) => j.job !== job) });
  return (
    <div className={styles['jobs']} aria-live="polite">
      {jobs.map((job) =>
        job.failed === undefined ? (
          <Progress
            key={job.job}
            label={job.what}
            value={job.of > 0 ? job.done / job.of : undefined}
            note={job.of > 1000 ? `${formatBytes(job.done)} of ${formatBytes(job.of)}` : undefined}
          />
        ) : (
          <Callout
            key={job.job}
            tone="error"
            title={`${job.what} failed`}
            action={<IconButton label="Dismiss" icon={<X />} small onClick={() => forget(job.job)} />}
          >
            {job.failed}
          </Callout>
        ),
      )}
    </div>
  );
}
