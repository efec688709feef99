/** Ports of a node that its container, or the model's step in the workflow, shows as its own. */
import type { NodeTypeInfo } from '../../engine/protocol/api/catalog.ts';
import type { Document, Promoted } from '../../engine/protocol/document.ts';
import type { ModelNodeAddress } from '../../engine/protocol/edit.ts';
import { portId, type PortId } from '../../engine/protocol/ids.ts';
import { PORT_KINDS } from '../../engine/protocol/schema.ts';
import { useApply } from '../inspector/hooks.ts';
import { Section } from '../inspector/Section.tsx';
import { Switch, TextField } from '../ui/index.ts';
import { isPromoted, promote, promotedOf, renamePromoted, unpromote } from './model/promote.ts';
import styles from './sources.module.css';

interface Props {
  readonly document: Document;
  readonly at: ModelNodeAddress;
  readonly info: NodeTypeInfo | undefined;
}

const isKind = (kind: string): kind is Promoted['kind'] => (PORT_KINDS as readonly string[]).includes(kind);

export function PromotedSection({ document, at, info }: Props) {
  const apply = useApply();
  const isTop = at.graph.path.length === 0;
  const promoted = promotedOf(document, at.graph).filter((p) => p.node === at.node);
  // The step of a model only takes what it promotes: its outputs are the model itself.
  const outputs = Object.entries(info?.outputs ?? {}).filter(
    ([port]) => !isTop || promoted.some((p) => p.port === port),
  );
  const ports = [...Object.entries(info?.inputs ?? {}), ...outputs].flatMap(([port, spec]) =>
    isKind(spec.kind) ? [{ port: portId(port), kind: spec.kind, doc: spec.doc }] : [],
  );
  if (ports.length === 0) return null;
  const toggle = (port: PortId, kind: Promoted['kind'], on: boolean): void => {
    const known = promoted.find((p) => p.port === port);
    if (on) void apply('Promote port', promote(at.graph, at.node, port, kind));
    else if (known !== undefined) void apply('Take port back', unpromote(at.graph, known.name));
  };
  const outside = isTop ? 'the step of the model' : 'the stack';
  return (
    <Section title="Promoted ports" note={promoted.length === 0 ? 'none' : String(promoted.length)}>
      <p className={styles['quiet']}>A promoted port is a port of {outside} too, under its own name.</p>
      {ports.map(({ port, kind, doc }) => (
        <Switch
          key={port}
          label={`${port}  (${kind})`}
          help={doc}
          checked={isPromoted(document, at.graph, at.node, port)}
          onChange={(on) => toggle(port, kind, on)}
        />
      ))}
      {promoted.map((p) => (
        <TextField
          key={p.name}
          label={`Name of ${p.port}`}
          inline
          mono
          value={p.name}
          onCommit={(to) => void apply('Rename port', renamePromoted(at.graph, p.name, to))}
        />
      ))}
    </Section>
  );
}
