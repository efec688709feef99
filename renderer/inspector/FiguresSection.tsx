/** Shapes, parameters, memory and FLOPs of a node, and the way that gradients take to it. */
import { formatGraphAddress, type ModelNodeAddress } from '../../engine/protocol/edit.ts';
import type { Document } from '../../engine/protocol/document.ts';
import type { LayerRange } from '../../engine/protocol/selection.ts';
import { isFresh, useEditor, useEditorState } from '../state/editor.ts';
import { Badge, formatBytes, formatCompact, formatCount } from '../ui/index.ts';
import { useFigures, useTypes } from './hooks.ts';
import styles from './inspector.module.css';
import { figuresOfNode, inputShapes, parametersOf, shapeWords } from './model/figures.ts';
import { gradientPath, layerWords } from './model/gradient.ts';
import { titleOf } from './model/subject.ts';
import { Facts, Section, type Fact } from './Section.tsx';
import { graphAt } from '../../engine/protocol/edit.ts';

interface Props {
  readonly document: Document;
  readonly at: ModelNodeAddress;
  readonly range: LayerRange | undefined;
}

export function FiguresSection({ document, at }: Props) {
  const figures = useFigures(at.graph.model);
  const fresh = useEditorState(isFresh);
  const known = useEditorState((s) => s.check !== undefined);
  const row = figuresOfNode(document, figures, at);
  const { own, docked } = parametersOf(document, figures, at);
  const trainable = own.reduce((n, p) => n + p.count, 0);
  const attached = docked.reduce((n, p) => n + p.count, 0);
  if (!known)
    return (
      <Section title="Shapes and figures">
        <p className={styles['quiet']}>The first check is on its way.</p>
      </Section>
    );
  const copies = row === undefined || row.copies <= 1 ? '' : ` in ${row.copies} layers`;
  const facts: Fact[] = inputShapes(document, figures, at).flatMap(({ port, shape }) =>
    shape === undefined ? [] : [{ name: `in: ${port}`, value: shape, mono: true }],
  );
  const output = row && shapeWords(row.output);
  if (output !== undefined) facts.push({ name: 'out', value: `${output.shape} ${output.dtype}`, mono: true });
  if (row !== undefined && row.frozen > 0)
    facts.push({
      name: 'Frozen',
      value: (
        <span title={formatCount(row.frozen)}>
          {formatCompact(row.frozen)}
          {copies}
        </span>
      ),
    });
  if (trainable > 0) facts.push({ name: 'Trainable', value: <Badge tone="trainable">{formatCount(trainable)}</Badge> });
  if (attached > 0)
    facts.push({ name: 'Trainable, attached', value: <Badge tone="trainable">{formatCount(attached)}</Badge> });
  if (row?.keptBytes !== undefined) facts.push({ name: 'Kept for backward', value: formatBytes(row.keptBytes) });
  if (row?.flops !== undefined) facts.push({ name: 'Forward', value: `${formatCompact(row.flops)} FLOPs` });
  return (
    <Section title="Shapes and figures" note={fresh ? undefined : 'updating'}>
      {facts.length === 0 ? (
        <p className={styles['quiet']}>Not a part of the checked model: it is muted, not connected, or in no layer.</p>
      ) : (
        <Facts facts={facts} stale={!fresh} />
      )}
      {own.length > 0 && (
        <ul className={styles['list']} aria-label="Parameters of one layer">
          {uniqueLocal(own).map((p) => (
            <li key={p.name}>
              <span className={styles['mono']} title={p.name}>
                {p.local}
              </span>
              <span className={styles['mono']}>{p.shape}</span>
              <span className={styles['sectionNote']}>{p.decay ? 'decays' : 'no decay'}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

/** The last part of names that differ by layer only, once. */
function uniqueLocal(rows: readonly { readonly name: string; readonly shape: string; readonly decay: boolean }[]) {
  const seen = new Map<string, { name: string; local: string; shape: string; decay: boolean }>();
  for (const { name, shape, decay } of rows) {
    const local = name.split('/').at(-1) ?? name;
    if (!seen.has(`${local} ${shape}`)) seen.set(`${local} ${shape}`, { name, local, shape, decay });
  }
  return [...seen.values()];
}

export function GradientSection({ document, at, range }: Props) {
  const editor = useEditor();
  const types = useTypes();
  const figures = useFigures(at.graph.model);
  if (figures === undefined) return null;
  const path = gradientPath(document, figures, at);
  const where = range === undefined || path.layers.length === 0 ? '' : ` in ${layerWords(path.layers, range)}`;
  return (
    <Section title="Gradient" note={path.trains ? 'trains here' : path.reached ? 'passes' : 'none'}>
      <p className={styles['help']}>
        {path.trains
          ? `Parameters here get a gradient${where}.`
          : path.reached
            ? `The gradient passes through${where}, on its way to what trains upstream.`
            : 'No gradient comes here: nothing upstream trains, so its values are not kept for the backward pass.'}
      </p>
      {path.upstream.length > 0 && (
        <>
          <p className={styles['quiet']}>Trains upstream:</p>
          <ul className={styles['list']} aria-label="Trains upstream">
            {path.upstream.slice(0, 8).map((t) => {
              const node = graphAt(document, t.graph)?.nodes[t.node];
              return (
                <li key={`${formatGraphAddress(t.graph)}/${t.node}`}>
                  <button
                    type="button"
                    className={styles['link']}
                    onClick={() => editor.select({ graph: formatGraphAddress(t.graph), nodes: [t.node], edges: [] })}
                  >
                    {node === undefined ? t.node : titleOf(t.node, node, types(node.type)?.title)}
                  </button>
                  <span className={styles['sectionNote']}>{t.node}</span>
                </li>
              );
            })}
          </ul>
          {path.upstream.length > 8 && <p className={styles['quiet']}>and {path.upstream.length - 8} more</p>}
        </>
      )}
    </Section>
  );
}
