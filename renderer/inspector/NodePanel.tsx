/** A node of a model. */
import { Leaf, Snowflake } from 'lucide-react';
import { useMemo } from 'react';
import { Badge } from '../ui/index.ts';
import { useEditorState } from '../state/editor.ts';
import { BankSection } from '../sources/BankSection.tsx';
import { LearntWeights } from '../sources/LearntWeights.tsx';
import { PromotedSection } from '../sources/PromotedSection.tsx';
import { About, Reference } from './About.tsx';
import { FiguresSection, GradientSection } from './FiguresSection.tsx';
import { Head } from './Head.tsx';
import { useApply, useFigures, useTypes } from './hooks.ts';
import styles from './inspector.module.css';
import { LiveSection } from './LiveSection.tsx';
import { setTitle } from './model/edits.ts';
import { strangers } from './model/fields.ts';
import { parametersOf, problemsOf } from './model/figures.ts';
import { formalName, titleOf, type NodeSubject } from './model/subject.ts';
import { Notes } from './Notes.tsx';
import { ParamForm } from './ParamForm.tsx';
import { Placement } from './Placement.tsx';
import { Problems } from './Problems.tsx';
import { Section } from './Section.tsx';
import { RecipeSection, SharedSection } from './Sharing.tsx';
import type { Document } from '../../engine/protocol/document.ts';

export function NodePanel({ document, subject }: { readonly document: Document; readonly subject: NodeSubject }) {
  const { at, node, range } = subject;
  const apply = useApply();
  const types = useTypes();
  const figures = useFigures(at.graph.model);
  const check = useEditorState((s) => s.check);
  const layer = useEditorState((s) => s.place.layer);
  const info = types(node.type);
  const problems = useMemo(
    () => problemsOf(check, { model: at.graph.model, path: at.graph.path, node: at.node }),
    [check, at],
  );
  const trains = info?.peft !== undefined || parametersOf(document, figures, at).own.length > 0;
  const infos = info?.params ?? {};
  const unknown = strangers(document, node, infos);
  // Of a layer of the backbone people want to know what it gives; its settings follow the checkpoint and rarely change.
  const isLayer = info?.family === 'layer';
  const form = Object.keys(infos).length > 0 && (
    <Section
      title={isLayer ? 'Settings of the layer' : 'Parameters'}
      note={range !== undefined && layer !== 'all' ? `layer ${layer}` : undefined}
    >
      <ParamForm document={document} at={at} node={node} infos={infos} range={range} problems={problems} />
      {unknown.length > 0 && <p className={styles['quiet']}>Not known to this type: {unknown.join(', ')}.</p>}
    </Section>
  );
  const fixed = info === undefined || (info.bypass === 'none' && info.peft === undefined);
  return (
    <>
      <Head
        title={titleOf(at.node, node, info?.title)}
        formal={info?.peft === undefined ? formalName(node) : `${node.type} · ${at.node}`}
        icon={
          trains ? (
            <Leaf size={16} color="var(--trainable)" aria-hidden />
          ) : (
            <Snowflake size={16} color="var(--frozen)" aria-hidden />
          )
        }
        badges={
          <>
            {info === undefined ? (
              <Badge tone="error">unknown type</Badge>
            ) : (
              <Badge tone={trains ? 'trainable' : 'frozen'}>{trains ? 'trainable' : 'frozen'}</Badge>
            )}
            {range !== undefined && <Badge>{layer === 'all' ? 'all layers' : `layer ${layer}`}</Badge>}
            {node.mute !== undefined && (
              <Badge tone="warning">{node.mute === true ? 'muted' : `muted in ${node.mute}`}</Badge>
            )}
          </>
        }
        onRename={(title) => void apply('Rename node', setTitle(at, title))}
      />
      <Problems diagnostics={problems.all.filter((d) => d.where.param === undefined || !(d.where.param in infos))} />
      <About info={info} />
      {info === undefined && (
        <Section title="What it does">
          <p className={styles['help']}>
            This Espalier does not know the type <span className={styles['mono']}>{node.type}</span>. Its text is kept
            as it is.
          </p>
        </Section>
      )}
      {!isLayer && form}
      {(info?.bank === true || node.bank !== undefined) && <BankSection at={at} bank={node.bank} />}
      <LearntWeights at={at} />
      <RecipeSection document={document} at={at} node={node} />
      <Placement at={at} node={node} range={range} trainable={trains} fixed={fixed} />
      {trains && <SharedSection document={document} at={at} node={node} />}
      {info !== undefined && <FiguresSection document={document} at={at} range={range} />}
      <LiveSection document={document} at={at} />
      <GradientSection document={document} at={at} range={range} />
      {isLayer && form}
      <PromotedSection document={document} at={at} info={info} />
      <Reference info={info} />
      <Notes at={at} notes={node.notes} />
    </>
  );
}
