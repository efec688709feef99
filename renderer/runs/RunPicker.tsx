/** Chooses the run that a panel of the drawer shows. */
import type { RunId } from '../../engine/protocol/api/fields.ts';
import { Select } from '../ui/index.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { shownRun } from './live.ts';
import styles from './RunPicker.module.css';
import { formatFigure, nameInWords, runTitle, STATE_WORDS } from './words.ts';

export function RunPicker({ label = 'Run' }: { readonly label?: string }) {
  const editor = useEditor();
  const runs = useEditorState((s) => s.runs);
  const shown = useEditorState(shownRun);
  return (
    <div className={styles['picker']}>
      <Select<RunId>
        label={label}
        hideLabel
        value={shown?.run}
        options={[...runs].reverse().map((run) => ({
          value: run.run,
          title: runTitle(run),
          help:
            run.figure === undefined || run.metric === undefined
              ? `${STATE_WORDS[run.state]} · ${run.recipe}`
              : `${formatFigure(run.figure)} ${nameInWords(run.metric)} · ${run.recipe}`,
        }))}
        onChange={(run) => editor.set({ run })}
      />
    </div>
  );
}
