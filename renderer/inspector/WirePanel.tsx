/** A wire: its ends, what flows on it, its order among others, and a probe that measures it on one batch. */
import { ArrowDown, ArrowUp, Cable, Gauge } from 'lucide-react';
import { useState } from 'react';
import type { ProbeView } from '../../engine/protocol/api/check.ts';
import { inOrder, type Document, type Edge } from '../../engine/protocol/document.ts';
import { disconnect, formatGraphAddress, graphAt, stackAt, type GraphAddress } from '../../engine/protocol/edit.ts';
import { isWall, type NodeId } from '../../engine/protocol/ids.ts';
import { layersOf } from '../../engine/protocol/selection.ts';
import { useEditor, useEditorState } from '../state/editor.ts';
import { Badge, Button, Callout, formatFigure, IconButton, Select, type Tone } from '../ui/index.ts';
import { Head } from './Head.tsx';
import { Histogram } from './Histogram.tsx';
import { useApply, useFigures, useTypes } from './hooks.ts';
import styles from './inspector.module.css';
import { figuresOfNode, shapeWords } from './model/figures.ts';
import { probePoint } from './model/probe.ts';
import { edgeId, titleOf, type WireSubject } from './model/subject.ts';
import { moveWire } from './model/wires.ts';
import { Facts, Section } from './Section.tsx';

const TONES: ReadonlyMap<string, Tone> = new Map([
  ['transform', 'transform'],
  ['data', 'data'],
  ['loss', 'error'],
  ['sources', 'frozen'],
]);

export function WirePanel({ document, subject }: { readonly document: Document; readonly subject: WireSubject }) {
  const { graph, edge } = subject;
  const editor = useEditor();
  const apply = useApply();
  const types = useTypes();
  const steps = useEditorState((s) => s.catalog?.steps);
  const model = graph.level === 'model' ? graph.model : '';
  const figures = useFigures(model);
  const nodes = graphAt(document, graph)?.nodes ?? {};
  const nameOf = (id: NodeId): string => {
    if (isWall(id)) return id === '$in' ? 'the wall, coming in' : 'the wall, going out';
    const node = (nodes as Readonly<Record<string, { readonly type: string; readonly title?: string }>>)[id];
    const title = node && (types(node.type)?.title ?? steps?.find((s) => s.type === node.type)?.title);
    return node === undefined ? id : titleOf(id, node, title);
  };
  const giver = (nodes as Readonly<Record<string, { readonly type: string }>>)[edge.from.node];
  const port =
    giver &&
    (types(giver.type)?.outputs[edge.from.port] ?? steps?.find((s) => s.type === giver.type)?.outputs[edge.from.port]);
  const row =
    graph.level === 'model' && !isWall(edge.from.node)
      ? figuresOfNode(document, figures, { graph, node: edge.from.node })
      : undefined;
  const shape = row && port?.kind === 'tensor' ? shapeWords(row.output) : undefined;
  const select = (id: NodeId): void => {
    if (!isWall(id)) editor.select({ graph: formatGraphAddress(graph), nodes: [id], edges: [] });
  };
  return (
    <>
      <Head
        title={`${nameOf(edge.from.node)} to ${nameOf(edge.to.node)}`}
        formal={edgeId(edge)}
        icon={<Cable size={16} aria-hidden />}
        badges={port === undefined ? undefined : <Badge tone={TONES.get(port.kind) ?? 'neutral'}>{port.kind}</Badge>}
      />
      <Section title="Ends">
        <Facts
          facts={[
            { name: 'From', value: <End id={edge.from.node} name={nameOf(edge.from.node)} onSelect={select} /> },
            { name: 'Port', value: edge.from.port, mono: true },
            { name: 'To', value: <End id={edge.to.node} name={nameOf(edge.to.node)} onSelect={select} /> },
            { name: 'Port', value: edge.to.port, mono: true },
            ...(shape === undefined ? [] : [{ name: 'Shape', value: `${shape.shape} ${shape.dtype}`, mono: true }]),
          ].map((fact, i) => ({ ...fact, name: fact.name === 'Port' ? (i < 2 ? 'Output' : 'Input') : fact.name }))}
        />
        {port !== undefined && <p className={styles['quiet']}>{port.doc}</p>}
        <Button
          small
          variant="danger"
          onClick={() => {
            if (apply('Remove wire', (d) => disconnect(d, graph, edge)) === undefined)
              editor.select({ graph: '', nodes: [], edges: [] });
          }}
        >
          Remove wire
        </Button>
      </Section>
      <OrderSection document={document} graph={graph} edge={edge} nameOf={nameOf} />
      {graph.level === 'model' && <ProbeSection document={document} graph={graph} edge={edge} kind={port?.kind} />}
    </>
  );
}

const End = ({
  id,
  name,
  onSelect,
}: {
  readonly id: NodeId;
  readonly name: string;
  readonly onSelect: (id: NodeId) => void;
}) =>
  isWall(id) ? (
    <>{name}</>
  ) : (
    <button type="button" className={styles['link']} onClick={() => onSelect(id)}>
      {name}
    </button>
  );

interface OrderProps {
  readonly document: Document;
  readonly graph: GraphAddress;
  readonly edge: Edge;
  readonly nameOf: (id: NodeId) => string;
}

/** Among the wires of a port that takes many, the order counts: racks apply their modules one after the other. */
function OrderSection({ document, graph, edge, nameOf }: OrderProps) {
  const apply = useApply();
  const all = inOrder(
    (graphAt(document, graph)?.edges ?? []).filter((e) => e.to.node === edge.to.node && e.to.port === edge.to.port),
  );
  if (all.length < 2) return null;
  const at = all.findIndex((e) => edgeId(e) === edgeId(edge));
  return (
    <Section title="Order" note={`${at + 1} of ${all.length}`}>
      <ol className={styles['list']} aria-label="Wires of this port in their order">
        {all.map((e, i) => (
          <li key={edgeId(e)}>
            <span style={{ fontWeight: i === at ? 600 : 400 }}>
              {i + 1}. {nameOf(e.from.node)}
            </span>
            <IconButton
              small
              label={`Move ${nameOf(e.from.node)} up`}
              icon={<ArrowUp size={14} />}
              reason={i === 0 ? 'it is the first' : undefined}
              onClick={() => void apply('Reorder wires', moveWire(graph, e, -1))}
            />
            <IconButton
              small
              label={`Move ${nameOf(e.from.node)} down`}
              icon={<ArrowDown size={14} />}
              reason={i === all.length - 1 ? 'it is the last' : undefined}
              onClick={() => void apply('Reorder wires', moveWire(graph, e, 1))}
            />
          </li>
        ))}
      </ol>
    </Section>
  );
}

type Probe =
  | { readonly state: 'idle' | 'running' }
  | { readonly state: 'failed'; readonly words: string }
  | { readonly state: 'done'; readonly view: ProbeView; readonly revision: number };

interface ProbeProps {
  readonly document: Document;
  readonly graph: GraphAddress;
  readonly edge: Edge;
  readonly kind: string | undefined;
}

function ProbeSection({ document, graph, edge, kind }: ProbeProps) {
  const editor = useEditor();
  const shown = useEditorState((s) => s.place.layer);
  const project = useEditorState((s) => s.project);
  const revision = useEditorState((s) => s.revision);
  const range = stackAt(document, graph);
  const [chosen, setChosen] = useState<number>();
  const [probe, setProbe] = useState<Probe>({ state: 'idle' });
  const layer = range === undefined ? undefined : (chosen ?? (shown === 'all' ? range.first : shown));
  const point = probePoint(document, graph, edge, kind, layer);
  const run = async (): Promise<void> => {
    if (!point.ok || project === undefined) return;
    setProbe({ state: 'running' });
    try {
      await editor.settled();
      const view = await editor.client.call('check.probe', { project: project.id, ...point.value });
      setProbe({ state: 'done', view, revision });
    } catch (error) {
      setProbe({ state: 'failed', words: error instanceof Error ? error.message : String(error) });
    }
  };
  return (
    <Section title="Probe" note="one pinned batch">
      {range !== undefined && (
        <Select
          label="Layer"
          inline
          value={String(layer)}
          options={layersOf(range).map((l) => String(l))}
          onChange={(l) => setChosen(Number(l))}
        />
      )}
      <Button
        icon={<Gauge size={14} />}
        reason={point.ok ? undefined : point.error}
        disabled={probe.state === 'running'}
        onClick={() => void run()}
      >
        {probe.state === 'running' ? 'Measuring…' : probe.state === 'done' ? 'Measure again' : 'Measure'}
      </Button>
      {probe.state === 'failed' && <Callout tone="error">{probe.words}</Callout>}
      {probe.state === 'done' && (
        <>
          <Facts
            stale={probe.revision !== revision}
            facts={[
              { name: 'Shape', value: `[${probe.view.shape.join(', ')}]`, mono: true },
              { name: 'Mean', value: formatFigure(probe.view.mean) },
              { name: 'Deviation', value: formatFigure(probe.view.deviation) },
              { name: 'Smallest', value: formatFigure(probe.view.min) },
              { name: 'Largest', value: formatFigure(probe.view.max) },
              {
                name: 'Not finite',
                value: probe.view.notFinite === 0 ? '0' : <Badge tone="error">{probe.view.notFinite}</Badge>,
              },
            ]}
          />
          <Histogram histogram={probe.view.histogram} />
        </>
      )}
    </Section>
  );
}

export const WiresPanel = ({ count }: { readonly count: number }) => (
  <>
    <Head title={`${count} wires selected`} icon={<Cable size={16} aria-hidden />} />
    <Section title="What it does">
      <p className={styles['help']}>Delete removes them all. Select one wire to see what flows on it.</p>
    </Section>
  </>
);
