/** Examples to which two runs give different answers. */
import { useMemo, useState } from 'react';
import type { RunId } from '../../../engine/protocol/api/fields.ts';
import type { RunSummary } from '../../../engine/protocol/api/runs.ts';
import { Badge, Callout, Empty, formatCount, Segmented, Select, Spinner, Table, type Column } from '../../ui/index.ts';
import { useEditor } from '../../state/editor.ts';
import { disagreements, type Disagreement } from '../examples.ts';
import { useLoaded } from '../hooks.ts';
import { runTitle } from '../words.ts';
import styles from './compare.module.css';

interface Props {
  readonly runs: readonly RunSummary[];
  readonly base: RunSummary;
}

type Kind = Disagreement['kind'] | 'all';

export function Disagreements({ runs, base }: Props) {
  const editor = useEditor();
  const others = runs.filter((r) => r.run !== base.run);
  const [chosen, setChosen] = useState<RunId>();
  const [kind, setKind] = useState<Kind>('all');
  const other = others.find((r) => r.run === chosen) ?? others[0];
  const { value, problem } = useLoaded(`${base.run} ${other?.run ?? ''}`, async () => {
    if (!other) return undefined;
    const [one, two] = await Promise.all([editor.runData.results(base.run), editor.runData.results(other.run)]);
    return disagreements(one.examples, two.examples);
  });
  const rows = useMemo(() => value?.rows.filter((r) => kind === 'all' || r.kind === kind) ?? [], [value, kind]);
  if (problem !== undefined)
    return (
      <div className={styles['wait']}>
        <Callout tone="error" title="The results cannot be read">
          {problem}
        </Callout>
      </div>
    );
  if (!value || !other)
    return (
      <div className={styles['wait']}>
        <Spinner label="Results are being read" />
      </div>
    );
  if (value.shared === 0)
    return <Empty title="No common examples" text="The two runs were evaluated on different data." />;
  const count = (k: Disagreement['kind']): string => formatCount(value.rows.filter((r) => r.kind === k).length);
  return (
    <div className={styles['examples']}>
      <div className={styles['tools']}>
        {others.length > 1 && (
          <div className={styles['pick']}>
            <Select<RunId>
              label="Other run"
              hideLabel
              value={other.run}
              options={others.map((r) => ({ value: r.run, title: runTitle(r) }))}
              onChange={setChosen}
            />
          </div>
        )}
        <Segmented<Kind>
          label="Who is right"
          value={kind}
          options={[
            { value: 'all', title: `All ${formatCount(value.rows.length)}` },
            { value: 'oneRight', title: `Only ${runTitle(base)} right ${count('oneRight')}` },
            { value: 'otherRight', title: `Only ${runTitle(other)} right ${count('otherRight')}` },
            { value: 'bothWrong', title: `Both wrong ${count('bothWrong')}` },
          ]}
          onChange={setKind}
        />
        <span className={styles['count']}>of {formatCount(value.shared)} examples</span>
      </div>
      <Table
        className={styles['fill'] ?? ''}
        label="Examples on which the runs disagree"
        columns={columnsOf(base, other)}
        rows={rows}
        rowKey={(r) => String(r.row)}
        empty={<Empty title="They agree on all of these" />}
      />
    </div>
  );
}

const columnsOf = (base: RunSummary, other: RunSummary): readonly Column<Disagreement>[] => [
  {
    id: 'text',
    title: 'Text',
    cell: (r) => (
      <span className={styles['exampleText']} title={r.text}>
        {r.text}
      </span>
    ),
  },
  { id: 'gold', title: 'True', width: 140, sort: (r) => r.gold, cell: (r) => r.gold },
  {
    id: 'one',
    title: runTitle(base),
    width: 160,
    sort: (r) => r.one,
    cell: (r) => <Answer text={r.one} right={r.kind === 'oneRight'} />,
  },
  {
    id: 'other',
    title: runTitle(other),
    width: 160,
    sort: (r) => r.other,
    cell: (r) => <Answer text={r.other} right={r.kind === 'otherRight'} />,
  },
];

const Answer = ({ text, right }: { readonly text: string; readonly right: boolean }) => (
  <Badge tone={right ? 'trainable' : 'error'}>
    <span className={styles['clip']} title={text}>
      {right ? '✓' : '✗'} {text}
    </span>
  </Badge>
);
