/** Findings about what is selected, at its head. */
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { Diagnostic } from '../../engine/base/errors.ts';
import styles from './inspector.module.css';

export function Problems({ diagnostics }: { readonly diagnostics: readonly Diagnostic[] }) {
  if (diagnostics.length === 0) return null;
  return (
    <ul className={styles['problems']} aria-label="Problems">
      {diagnostics.map((d, i) => (
        <li key={`${d.code}.${i}`} className={styles['problem']} data-severity={d.severity}>
          {d.severity === 'error' ? (
            <CircleAlert size={14} />
          ) : d.severity === 'warning' ? (
            <TriangleAlert size={14} />
          ) : (
            <Info size={14} />
          )}
          <span>
            {d.where.layer === undefined ? '' : `Layer ${d.where.layer}: `}
            {d.message} {d.found === undefined ? '' : `Found: ${d.found}. `}
            {d.fix}
          </span>
        </li>
      ))}
    </ul>
  );
}
