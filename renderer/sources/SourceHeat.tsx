/** Learnt weights of sources as a small map: a row for each layer, a column for each source. */
import { formatFigure } from '../ui/index.ts';
import styles from './sources.module.css';

export interface SourceHeatProps {
  readonly names: readonly string[];
  /** One row per layer, one number per source. */
  readonly values: readonly (readonly number[])[];
  /** Numbers of the layers; a single row for all of them otherwise. */
  readonly layers: readonly number[];
}

export function SourceHeat({ names, values, layers }: SourceHeatProps) {
  const largest = Math.max(1e-9, ...values.flat().map(Math.abs));
  return (
    <table className={styles['heat']} aria-label="Learnt weights of the sources">
      <thead>
        <tr>
          <th scope="col" style={{ width: 36 }}>
            layer
          </th>
          {names.map((name) => (
            <th key={name} scope="col" title={name}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {values.map((row, i) => (
          <tr key={i}>
            <th scope="row">{values.length === 1 ? 'all' : (layers[i] ?? i)}</th>
            {row.map((value, k) => (
              <td key={k} title={`${names[k] ?? ''}: ${formatFigure(value)}`}>
                <span className={styles['heatFill']} style={{ opacity: Math.abs(value) / largest }} />
                <span>{value.toFixed(3)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
