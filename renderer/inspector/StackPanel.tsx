/** A stack: how often its body repeats, what crosses its wall, how it is recomputed, and taking it apart. */
import { Layers, Scissors } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Document, StackSettings } from '../../engine/protocol/document.ts';
import { formatGraphAddress, joinStacks, splitStack, unrollStack } from '../../engine/protocol/edit.ts';
import { isFresh, useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, formatBytes, formatCompact, formatCount, NumberField, Select } from '../ui/index.ts';
import { Head } from './Head.tsx';
import { useApply, useFigures } from './hooks.ts';
import styles from './inspector.module.css';
import { ListField } from './ListField.tsx';
import { setTitle } from './model/edits.ts';
import { STACK_PARAMS } from './model/fields.ts';
import { figuresOfStack, problemsOf } from './model/figures.ts';
import { neighbours, rangeText, setPorts, setStack, type PortSide } from './model/stackEdits.ts';
import { titleOf, type NodeSubject } from './model/subject.ts';
import { Notes } from './Notes.tsx';
import { ParamForm } from './ParamForm.tsx';
import { Placement } from './Placement.tsx';
import { Problems } from './Problems.tsx';
import { Facts, Section } from './Section.tsx';

const PORTS: readonly { readonly side: PortSide; readonly title: string; readonly help: string }[] = [
  { side: 'carry', title: 'Carry', help: 'The output of a layer is the input of the next.' },
  { side: 'broadcast', title: 'Broadcast', help: 'Every layer gets the same value.' },
  { side: 'collect', title: 'Collect', help: 'One value of every layer, gathered.' },
];

export function StackPanel({ document, subject }: { readonly document: Document; readonly subject: NodeSubject }) {
  const { at, node } = subject;
  const apply = useApply();
  const check = useEditorState((s) => s.check);
  const fresh = useEditorState(isFresh);
  const figures = figuresOfStack(document, useFigures(at.graph.model), at);
  const problems = useMemo(
    () => problemsOf(check, { model: at.graph.model, path: at.graph.path, node: at.node }),
    [check, at],
  );
  const { stack } = node;
  if (stack === undefined) return null;
  return (
    <>
      <Head
        title={titleOf(at.node, node, 'Stack of layers')}
        formal={stack.name ?? at.node}
        icon={<Layers size={16} aria-hidden />}
        badges={<Badge>{`${stack.repeat} × ${rangeText(stack)}`}</Badge>}
        onRename={(title) => void apply('Rename stack', setTitle(at, title))}
      />
      <Problems diagnostics={problems.all} />
      <Section title="What it does">
        <p className={styles['help']}>
          One body, repeated. Edits with “All” hold for every layer; with a number they hold for that layer alone.
        </p>
      </Section>
      <Section title="Layers">
        <div className={styles['form']}>
          <NumberField
            label="Layers"
            inline
            integer
            min={1}
            max={4096}
            value={stack.repeat}
            help="How often the body repeats. The checkpoint must have weights for every layer."
            onCommit={(repeat) => void apply('Set number of layers', setStack(at, { repeat }))}
          />
          <NumberField
            label="First number"
            inline
            integer
            min={0}
            max={95_903}
            value={stack.first}
            help="Layer numbers are absolute: parts of a split stack keep theirs."
            onCommit={(first) => void apply('Set first layer', setStack(at, { first }))}
          />
          <Select
            label="Weights"
            inline
            help="Each layer has its own weights, or all share those of one (as in ALBERT)."
            value={stack.weights}
            options={[
              { value: 'each', title: 'own in each layer' },
              { value: 'shared', title: 'shared by all layers' },
            ]}
            onChange={(weights) => void apply('Set weights of the stack', setStack(at, { weights }))}
          />
        </div>
      </Section>
      <Section title="Ports of the wall">
        <div className={styles['form']}>
          {PORTS.map(({ side, title, help }) => (
            <PortsField key={side} at={at} stack={stack} side={side} title={title} help={help} />
          ))}
        </div>
      </Section>
      <Section title="Recomputation">
        <ParamForm document={document} at={at} node={node} infos={STACK_PARAMS} problems={problems} />
      </Section>
      <TakeApart document={document} at={at} stack={stack} />
      <Placement at={at} node={node} range={undefined} trainable={figures.trainable > 0} fixed={false} />
      <Section title="Figures" note={fresh ? undefined : 'updating'}>
        <Facts
          stale={!fresh}
          facts={[
            { name: 'Frozen', value: formatCompact(figures.frozen) },
            { name: 'Trainable', value: <Badge tone="trainable">{formatCount(figures.trainable)}</Badge> },
            { name: 'Kept for backward', value: formatBytes(figures.keptBytes) },
            { name: 'Forward', value: `${formatCompact(figures.flops)} FLOPs` },
          ]}
        />
      </Section>
      <Notes at={at} notes={node.notes} />
    </>
  );
}

interface PortsFieldProps {
  readonly at: NodeSubject['at'];
  readonly stack: StackSettings;
  readonly side: PortSide;
  readonly title: string;
  readonly help: string;
}

function PortsField({ at, stack, side, title, help }: PortsFieldProps) {
  const apply = useApply();
  const [problem, setProblem] = useState<string>();
  return (
    <ListField
      label={title}
      help={help}
      value={stack[side]}
      suggestions={[]}
      disabled={false}
      problem={problem}
      onTake={(ports) => setProblem(apply(`Set ${side} ports`, setPorts(at, side, ports)))}
    />
  );
}

function TakeApart({
  document,
  at,
  stack,
}: {
  readonly document: Document;
  readonly at: NodeSubject['at'];
  readonly stack: StackSettings;
}) {
  const editor = useEditor();
  const apply = useApply();
  const [before, setBefore] = useState(stack.first + Math.floor(stack.repeat / 2));
  const [problem, setProblem] = useState<string>();
  const last = stack.first + stack.repeat - 1;
  const single = stack.repeat === 1 ? 'it has one layer' : undefined;
  const split = Math.min(last, Math.max(stack.first + 1, before));
  return (
    <Section title="Split and join">
      <div className={styles['pathRow']}>
        <NumberField
          label="Split before layer"
          inline
          integer
          min={stack.first + 1}
          max={last}
          value={split}
          disabled={single !== undefined}
          problem={problem}
          onCommit={setBefore}
        />
        <Button
          small
          icon={<Scissors size={14} />}
          reason={single}
          onClick={() => setProblem(apply(`Split stack before layer ${split}`, (d) => splitStack(d, at, split)))}
        >
          Split
        </Button>
      </div>
      <div className={styles['buttons']}>
        {neighbours(document, at).map((part) => (
          <Button
            key={part.id}
            small
            onClick={() => {
              const joined = stack.first < part.stack.first ? at.node : part.id;
              const reason = apply('Join stacks', (d) => joinStacks(d, at.graph, at.node, part.id));
              setProblem(reason);
              if (reason === undefined)
                editor.select({ graph: formatGraphAddress(at.graph), nodes: [joined], edges: [] });
            }}
          >
            {`Join with ${rangeText(part.stack)}`}
          </Button>
        ))}
        <Button small reason={single} onClick={() => setProblem(apply('Unroll stack', (d) => unrollStack(d, at)))}>
          Unroll
        </Button>
      </div>
      <p className={styles['quiet']}>Parts keep their layer numbers and the names of their parameters.</p>
    </Section>
  );
}
