/** What is selected: parameters, shapes, memory, equation; the model when nothing is. */
import { ForEachPanel } from '../sources/ForEachPanel.tsx';
import { useSubject } from './hooks.ts';
import styles from './inspector.module.css';
import { ManyPanel } from './ManyPanel.tsx';
import { ModelPanel } from './ModelPanel.tsx';
import { edgeId, type Subject } from './model/subject.ts';
import { NodePanel } from './NodePanel.tsx';
import { Sections } from './Section.tsx';
import { StackPanel } from './StackPanel.tsx';
import { StepPanel } from './StepPanel.tsx';
import { WirePanel, WiresPanel } from './WirePanel.tsx';
import { WorkflowPanel } from './WorkflowPanel.tsx';
import { formatGraphAddress, formatNodeAddress } from '../../engine/protocol/edit.ts';
import type { Document } from '../../engine/protocol/document.ts';

export function Inspector() {
  const found = useSubject();
  if (found === undefined) return null;
  // Drafts of fields belong to what was selected: another subject begins anew, edits of the same one do not.
  return (
    <div className={styles['root']} data-testid="inspector">
      <Sections>
        <Panel key={keyOf(found.subject)} document={found.document} subject={found.subject} />
      </Sections>
    </div>
  );
}

function keyOf(subject: Subject): string {
  switch (subject.kind) {
    case 'node':
    case 'stack':
    case 'step':
    case 'for-each':
      return formatNodeAddress(subject.at);
    case 'wire':
      return `${formatGraphAddress(subject.graph)} ${edgeId(subject.edge)}`;
    case 'many':
      return `${formatGraphAddress(subject.graph)} ${subject.nodes.join(' ')}`;
    case 'wires':
      return formatGraphAddress(subject.graph);
    case 'model':
      return subject.model;
    case 'workflow':
      return 'workflow';
  }
}

function Panel({ document, subject }: { readonly document: Document; readonly subject: Subject }) {
  switch (subject.kind) {
    case 'node':
      return <NodePanel document={document} subject={subject} />;
    case 'stack':
      return <StackPanel document={document} subject={subject} />;
    case 'step':
      return <StepPanel document={document} subject={subject} />;
    case 'for-each':
      return <ForEachPanel subject={subject} />;
    case 'wire':
      return <WirePanel document={document} subject={subject} />;
    case 'wires':
      return <WiresPanel count={subject.count} />;
    case 'many':
      return <ManyPanel document={document} graph={subject.graph} nodes={subject.nodes} />;
    case 'model':
      return <ModelPanel document={document} model={subject.model} />;
    case 'workflow':
      return <WorkflowPanel document={document} />;
  }
}
