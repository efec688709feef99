/** Only the settings in which runs differ. */
import { useMemo } from 'react';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Empty, Spinner } from '../../ui/index.ts';
import { useEditorState } from '../../state/editor.ts';
import { differingSettings } from '../changes.ts';
import { capital, runTitle } from '../words.ts';
import styles from './compare.module.css';

export function CompareSettings({ runs }: { readonly runs: readonly RunSummary[] }) {
  const documents = useEditorState((s) => s.runDocuments);
  const rows = useMemo(() => {
    const known = runs.flatMap((r) => documents.get(r.run) ?? []);
    return known.length === runs.length ? differingSettings(known) : undefined;
  }, [runs, documents]);
  if (!rows)
    return (
      <div className={styles['wait']}>
        <Spinner label="The graphs are being read" />
      </div>
    );
  if (rows.length === 0)
    return <Empty title="No setting differs" text="The runs train the same graph with the same settings." />;
  return (
    <div className={styles['scroll']}>
      <table className={styles['table']} aria-label="Settings that differ">
        <thead>
          <tr>
            <th scope="col">Setting</th>
            {runs.map((run) => (
              <th key={run.run} scope="col">
                {runTitle(run)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.place} ${row.field}`}>
              <th scope="row">
                <span className={styles['place']}>{row.place}</span>{' '}
                {row.field === '' ? 'is there' : capital(row.field)}
              </th>
              {row.values.map((value, i) => (
                <td
                  key={runs[i]?.run}
                  className={value === row.values[0] ? styles['text'] : styles['changed']}
                  title={value}
                >
                  {value}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
