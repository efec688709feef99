/** What a node does: help in words, its equation, its paper and version. */
import type { NodeTypeInfo, StepTypeInfo } from '../../engine/protocol/api/catalog.ts';
import { Formula } from '../ui/index.ts';
import styles from './inspector.module.css';
import { Section } from './Section.tsx';

const START_POINTS: Readonly<Record<string, string>> = {
  identity: 'Starts as the backbone: outputs are the same at step 0.',
  'near-identity': 'Starts close to the backbone.',
  shifted: 'Moves the outputs of the backbone from step 0 on.',
};

export function About({ info }: { readonly info: NodeTypeInfo | StepTypeInfo | undefined }) {
  if (info === undefined) return null;
  const node = 'family' in info ? info : undefined;
  const start = node?.peft === undefined ? undefined : START_POINTS[node.peft.startPoint];
  return (
    <Section title="What it does">
      <p className={styles['help']}>{info.help}</p>
      {start !== undefined && (
        <p className={styles['quiet']}>
          {start}{' '}
          {node?.peft?.mergeable === true
            ? 'Can be merged into the weights.'
            : 'Stays a part of its own: it cannot be merged.'}
        </p>
      )}
    </Section>
  );
}

/** The equation and where it is from, at the end of the inspector. */
export function Reference({ info }: { readonly info: NodeTypeInfo | StepTypeInfo | undefined }) {
  if (info === undefined) return null;
  const equation = 'equation' in info ? info.equation : undefined;
  const paper = 'paper' in info ? info.paper : undefined;
  return (
    <Section title="Equation and version">
      {equation !== undefined && (
        <div className={styles['equation']}>
          <Formula tex={equation} block />
        </div>
      )}
      {paper !== undefined && <p className={styles['quiet']}>{paper}</p>}
      <p className={styles['quiet']}>
        <span className={styles['mono']}>{info.type}</span>, version {info.version}
      </p>
    </Section>
  );
}
