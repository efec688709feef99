/** Nothing selected: the model as a whole, and the table of everything that it trains. */
import { BrainCircuit, Copy } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Document } from '../../engine/protocol/document.ts';
import { entriesOf, type ModelId, type NodeId } from '../../engine/protocol/ids.ts';
import { workflowGraphs } from '../../engine/protocol/walk.ts';
import { isFresh, useEditor, useEditorState } from '../state/editor.ts';
import { shareOf, shareWords } from '../state/share.ts';
import {
  Button,
  Empty,
  formatBytes,
  formatCompact,
  formatCount,
  formatPlural,
  IconButton,
  Segmented,
  Table,
  type Column,
} from '../ui/index.ts';
import { BackboneCard } from './BackboneField.tsx';
import { Head } from './Head.tsx';
import { useFigures } from './hooks.ts';
import styles from './inspector.module.css';
import { groupParameters, tableText, type ParameterGroup } from './model/figures.ts';
import { Problems } from './Problems.tsx';
import { ResultSection } from './ResultSection.tsx';
import { Facts, Section, type Fact } from './Section.tsx';

/** The backbone that a model's step names. */
function backboneOf(document: Document, model: ModelId): string | undefined {
  for (const { graph } of workflowGraphs(document))
    for (const [, step] of entriesOf<NodeId, (typeof graph.nodes)[NodeId]>(graph.nodes)) {
      const name = step.params['backbone'];
      if (step.model === model && typeof name === 'string') return name;
    }
  return undefined;
}

export function ModelPanel({ document, model }: { readonly document: Document; readonly model: ModelId }) {
  const figures = useFigures(model);
  const fresh = useEditorState(isFresh);
  const check = useEditorState((s) => s.check);
  const editor = useEditor();
  const backbone = backboneOf(document, model);
  const general = (check?.diagnostics ?? []).filter(
    (d) => d.where.node === undefined && (d.where.model === undefined || d.where.model === model),
  );
  const copy = (text: string, what: string): void => {
    navigator.clipboard.writeText(text).then(
      () => editor.toast('info', `${what} copied.`),
      () => editor.toast('warning', 'The clipboard cannot be written to.'),
    );
  };
  const totals = figures?.totals;
  const costs = figures?.costs;
  const facts: Fact[] = [
    ...(totals === undefined
      ? []
      : [
          {
            name: 'Parameters',
            value: <span title={formatCount(totals.parameters)}>{formatCompact(totals.parameters)}</span>,
          },
          {
            name: 'Backbone',
            value: <span title={formatCount(totals.backbone)}>{formatCompact(totals.backbone)}</span>,
          },
          { name: 'Frozen weights', value: formatBytes(totals.weightBytes) },
          { name: 'Gradients and moments', value: formatBytes(totals.trainingBytes) },
        ]),
    ...(costs === undefined
      ? []
      : [
          { name: 'Kept for backward', value: formatBytes(costs.keptBytes) },
          { name: 'Memory of a run', value: formatBytes(costs.predictedBytes) },
          { name: 'One step', value: `${formatCompact(costs.stepFlops)} FLOPs` },
          { name: 'For batches of', value: `${costs.batch} × ${costs.length} tokens` },
        ]),
  ];
  return (
    <>
      <Head title={document.title} formal={`model ${model}`} icon={<BrainCircuit size={16} aria-hidden />} />
      <Problems diagnostics={general} />
      <ResultSection />
      <Section title="Model" note={fresh ? undefined : 'updating'}>
        {totals !== undefined && (
          <div className={fresh ? styles['share'] : `${styles['share']} ${styles['stale']}`}>
            <span className={styles['shareText']}>{shareWords(shareOf({ totals }))}</span>
            <IconButton
              small
              label="Copy the trainable share"
              icon={<Copy size={14} />}
              onClick={() => copy(shareWords(shareOf({ totals })), 'The trainable share was')}
            />
          </div>
        )}
        {facts.length > 0 ? (
          <Facts facts={facts} stale={!fresh} />
        ) : (
          <p className={styles['quiet']}>The first check is on its way.</p>
        )}
        <div className={styles['buttons']}>
          <Button small variant="quiet" onClick={() => editor.set({ overlay: 'recipes' })}>
            {formatPlural(Object.keys(document.recipes).length, 'recipe')}
          </Button>
          <Button small variant="quiet" onClick={() => editor.set({ overlay: 'sources' })}>
            {formatPlural(Object.keys(document.banks).length, 'source bank')}
          </Button>
        </div>
      </Section>
      {backbone !== undefined && (
        <Section title="Backbone" note={backbone}>
          <BackboneCard name={backbone} />
        </Section>
      )}
      {figures !== undefined && (
        <ParameterTable rows={figures.trainable} onCopy={(text) => copy(text, 'The table was')} stale={!fresh} />
      )}
    </>
  );
}

type Rows = Parameters<typeof groupParameters>[0];

const COLUMNS: readonly Column<ParameterGroup>[] = [
  {
    id: 'name',
    title: 'Name',
    sort: (r) => r.name,
    cell: (r) => <ParameterName row={r} />,
  },
  {
    id: 'shape',
    title: 'Shape',
    width: 86,
    cell: (r) => <span className={styles['mono']}>{r.shape}</span>,
  },
  {
    id: 'count',
    title: 'Count',
    align: 'right',
    width: 62,
    sort: (r) => r.count,
    cell: (r) => (
      <span title={r.decay ? 'decays' : 'no weight decay'}>
        {formatCount(r.count)}
        {r.decay ? '' : ' °'}
      </span>
    ),
  },
];

function ParameterName({ row }: { readonly row: ParameterGroup }) {
  const parts = row.name.split('/');
  const tail = parts.slice(-2).join('/');
  const place = [
    ...parts.slice(0, -2),
    ...(row.layers.length > 1 ? [`${row.layers.length} layers`] : row.layers.map((l) => `layer ${l}`)),
  ];
  return (
    <span title={row.name}>
      <span className={styles['parameterName']}>{tail}</span>
      <span className={styles['parameterPlace']}>{place.join(' · ') || 'outside the layers'}</span>
    </span>
  );
}

/** Copying gives every row; the table may put layers together. */
function ParameterTable({
  rows,
  onCopy,
  stale,
}: {
  readonly rows: Rows;
  readonly onCopy: (text: string) => void;
  readonly stale: boolean;
}) {
  const [by, setBy] = useState<'together' | 'each'>('together');
  const shown = useMemo(
    () => (by === 'together' ? groupParameters(rows) : rows.map((r): ParameterGroup => ({ ...r, layers: [] }))),
    [rows, by],
  );
  return (
    <Section
      title="Trainable parameters"
      note={stale ? 'updating' : formatCount(rows.length)}
      action={
        <IconButton small label="Copy the table" icon={<Copy size={14} />} onClick={() => onCopy(tableText(rows))} />
      }
    >
      {rows.length === 0 ? (
        <Empty title="Nothing trains yet" text="Attach a module, or add a head." />
      ) : (
        <>
          <Segmented
            label="Layers of the table"
            value={by}
            options={[
              { value: 'together', title: 'Layers together' },
              { value: 'each', title: 'Every layer' },
            ]}
            onChange={setBy}
          />
          <Table
            label="Trainable parameters"
            className={styles['parameterTable'] ?? ''}
            columns={COLUMNS}
            rows={shown}
            rowKey={(r) => `${r.name} ${r.shape} ${String(r.decay)}`}
            rowHeight={44}
          />
          <p className={styles['quiet']}>° without weight decay. Copying gives every layer, with the column “decay”.</p>
        </>
      )}
    </Section>
  );
}
