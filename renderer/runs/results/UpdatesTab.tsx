/** What training changed: updates per layer and module, and the learnt weights of sources. */
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import type { WeightsView } from '../../../engine/protocol/api/runs.ts';
import { Callout, Empty, Spinner } from '../../ui/index.ts';
import { useEditor } from '../../state/editor.ts';
import { heatOf, heatShare, type HeatCell } from '../heat.ts';
import { useLoaded } from '../hooks.ts';
import { formatFigure } from '../words.ts';
import styles from './results.module.css';

export function UpdatesTab({ run }: { readonly run: RunId }) {
  const editor = useEditor();
  const { value, problem } = useLoaded(run, () => editor.runData.weights(run));
  if (problem !== undefined)
    return (
      <div className={styles['padded']}>
        <Callout tone="error" title="The weights cannot be read">
          {problem}
        </Callout>
      </div>
    );
  if (!value)
    return (
      <div className={styles['wait']}>
        <Spinner label="Weights are being read" />
      </div>
    );
  if (value.parameters.length === 0) return <Empty title="Nothing was trained" />;
  return (
    <div className={styles['updates']}>
      <UpdateMap parameters={value.parameters} />
      {value.sources.map((source) => (
        <SourceMap key={source.node} source={source} />
      ))}
    </div>
  );
}

function UpdateMap({ parameters }: Pick<WeightsView, 'parameters'>) {
  const grid = heatOf(parameters);
  return (
    <div>
      <h3 className={styles['heading']}>Norm of the update, trained minus initial values</h3>
      <div className={styles['gridScroll']}>
        <table className={styles['heat']} aria-label="Updates per layer and module">
          {grid.layers.length > 0 && (
            <thead>
              <tr>
                <th scope="col" className={styles['corner']}>
                  module / layer
                </th>
                {grid.layers.map((layer) => (
                  <th key={layer} scope="col">
                    {layer}
                  </th>
                ))}
              </tr>
            </thead>
          )}
          <tbody>
            {grid.rows.map(({ module, cells }) => (
              <tr key={module}>
                <th scope="row" className={styles['rowLabel']} title={module}>
                  {module}
                </th>
                {cells.map((cell, i) => (
                  <Cell
                    key={grid.layers[i]}
                    cell={cell}
                    largest={grid.largest}
                    place={`${module}, layer ${grid.layers[i] ?? ''}`}
                  />
                ))}
              </tr>
            ))}
            {grid.outside.map(({ module, cell }) => (
              <tr key={module}>
                <th scope="row" className={styles['rowLabel']} title={module}>
                  {module}
                </th>
                <Cell cell={cell} largest={grid.largest} place={module} span={Math.max(1, grid.layers.length)} />
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Scale low="0" high={formatFigure(grid.largest)} />
    </div>
  );
}

interface CellProps {
  readonly cell: HeatCell | undefined;
  readonly largest: number;
  readonly place: string;
  readonly span?: number;
}

function Cell({ cell, largest, place, span }: CellProps) {
  if (!cell) return <td className={styles['noCell']} aria-label={`${place}: nothing trains`} />;
  const relative = cell.norm > 0 ? `, ${Math.round((cell.update / cell.norm) * 100)} % of the norm` : '';
  return (
    <td
      className={styles['heatCell']}
      colSpan={span}
      title={`${place}: update ${formatFigure(cell.update)}${relative}, ${cell.count.toLocaleString('en-US')} parameters`}
    >
      <span className={styles['heatFill']} style={{ opacity: 0.06 + 0.5 * heatShare(cell.update, largest) }} />
      <span className={styles['cellText']}>{formatFigure(cell.update)}</span>
    </td>
  );
}

/** Layers below each other, sources side by side; negative weights are marked by their sign and another colour. */
export function SourceMap({ source }: { readonly source: WeightsView['sources'][number] }) {
  const largest = Math.max(1e-12, ...source.values.flat().map(Math.abs));
  return (
    <div>
      <h3 className={styles['heading']}>Learnt weights of sources: {source.node}</h3>
      <div className={styles['gridScroll']}>
        <table className={styles['heat']} aria-label={`Weights of sources of ${source.node}`}>
          <thead>
            <tr>
              <th scope="col" className={styles['corner']}>
                layer / source
              </th>
              {source.names.map((name) => (
                <th key={name} scope="col" className={styles['columnLabel']} title={name}>
                  <span>{name}</span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {source.values.map((row, layer) => (
              <tr key={`${source.node}-${layer}`}>
                <th scope="row" className={styles['rowLabel']}>
                  {source.values.length === 1 ? 'all' : layer}
                </th>
                {row.map((value, i) => (
                  <td
                    key={source.names[i]}
                    className={styles['heatCell']}
                    title={`${source.names[i] ?? ''}, layer ${layer}: ${formatFigure(value)}`}
                  >
                    <span
                      className={value < 0 ? styles['negativeFill'] : styles['heatFill']}
                      style={{ opacity: 0.06 + 0.5 * heatShare(Math.abs(value), largest) }}
                    />
                    <span className={styles['cellText']}>{formatFigure(value)}</span>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const Scale = ({ low, high }: { readonly low: string; readonly high: string }) => (
  <p className={styles['scaleLegend']}>
    <span>{low}</span>
    <span className={styles['gradient']} />
    <span>{high}</span>
  </p>
);
