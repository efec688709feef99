/** What a custom node is and makes: ports with shapes, parameters, the traced program; or what is wrong with it. */
import { useState } from 'react';
import type { NodeTypeInfo } from '../../engine/protocol/api/catalog.ts';
import type { CustomNode } from '../../engine/protocol/api/custom.ts';
import { Badge, Button, Formula, formatCount, formatPlural } from '../ui/index.ts';
import styles from './code.module.css';

export interface TrialPanelProps {
  readonly name: string;
  readonly result: CustomNode | undefined;
  readonly info: NodeTypeInfo | undefined;
}

export function TrialPanel({ name, result, info }: TrialPanelProps) {
  return (
    <aside className={styles['trial']} aria-label={`What ${name} makes`} data-focus-inside>
      {result?.diagnostics.map((d) => (
        <div key={`${d.code} ${d.message}`} className={styles['problem']} role="alert">
          <p>
            {d.where.row !== undefined && <b>Line {d.where.row}: </b>}
            {d.message}
          </p>
          <p className={styles['faint']}>{d.fix}</p>
        </div>
      ))}
      {info && <About info={info} />}
      {result?.trial && <Trial trial={result.trial} />}
      {!result && (
        <p className={styles['faint']}>
          Try traces the node on wires of the usual shapes (B texts of T tokens, width 384) and shows what it makes.
        </p>
      )}
    </aside>
  );
}

function About({ info }: { readonly info: NodeTypeInfo }) {
  return (
    <>
      <h3 className={styles['trialTitle']}>{info.title}</h3>
      <p>{info.help}</p>
      {info.equation !== undefined && (
        <div className={styles['formula']}>
          <Formula tex={info.equation} />
        </div>
      )}
      <p className={styles['badges']}>
        <Badge>{info.family}</Badge>
        {info.peft && <Badge tone="trainable">starts {info.peft.startPoint}</Badge>}
        <Badge>version {info.version}</Badge>
      </p>
      {Object.keys(info.params).length > 0 && (
        <>
          <h4 className={styles['trialHead']}>Parameters of the form</h4>
          <dl className={styles['facts']}>
            {Object.entries(info.params).map(([key, param]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>
                  {String(param.default)} <span className={styles['faint']}>{param.help}</span>
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}

function Trial({ trial }: { readonly trial: NonNullable<CustomNode['trial']> }) {
  const [program, setProgram] = useState(false);
  const trainable = trial.parameters.filter((p) => p.trainable).reduce((n, p) => n + p.count, 0);
  return (
    <>
      <h4 className={styles['trialHead']}>Ports</h4>
      <dl className={styles['facts']}>
        {Object.entries(trial.inputs).map(([port, type]) => (
          <div key={`in ${port}`}>
            <dt>{port}</dt>
            <dd className={styles['mono']}>{type}</dd>
          </div>
        ))}
        {Object.entries(trial.outputs).map(([port, type]) => (
          <div key={`out ${port}`}>
            <dt>{port} (out)</dt>
            <dd className={styles['mono']}>{type}</dd>
          </div>
        ))}
      </dl>
      <h4 className={styles['trialHead']}>{formatCount(trainable)} trainable parameters per copy</h4>
      <dl className={styles['facts']}>
        {trial.parameters.map((p) => (
          <div key={p.name}>
            <dt className={styles['mono']}>{p.name}</dt>
            <dd className={styles['mono']}>
              {p.shape} {p.trainable ? '' : '(frozen)'}
            </dd>
          </div>
        ))}
      </dl>
      <Button variant="quiet" onClick={() => setProgram(!program)}>
        {program ? 'Hide the program' : `Show the program (${formatPlural(trial.instructions, 'instruction')})`}
      </Button>
      {program && (
        <pre className={styles['program']} tabIndex={0}>
          {trial.program}
        </pre>
      )}
    </>
  );
}
