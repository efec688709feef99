/** Several nodes at once: the parameters that all have, edited together as one deed of undo. */
import { Boxes } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Document, Node } from '../../engine/protocol/document.ts';
import { nodeAt, stackAt, type ModelAddress, type ModelNodeAddress } from '../../engine/protocol/edit.ts';
import type { NodeId } from '../../engine/protocol/ids.ts';
import { formatLayers, layersOf } from '../../engine/protocol/selection.ts';
import { makeRecipe } from '../sources/model/recipes.ts';
import { useEditorState } from '../state/editor.ts';
import { Badge, Button, Checkbox } from '../ui/index.ts';
import { Head } from './Head.tsx';
import { useApply, useDefaults, useTypes } from './hooks.ts';
import styles from './inspector.module.css';
import { inTurn, layersOfNode, setLayers, setMute, setValue, shareAmong } from './model/edits.ts';
import { commonFields } from './model/fields.ts';
import { paramTitle } from './model/groups.ts';
import { ParamField } from './ParamField.tsx';
import { Section } from './Section.tsx';

interface Props {
  readonly document: Document;
  readonly graph: ModelAddress;
  readonly nodes: readonly NodeId[];
}

export function ManyPanel({ document, graph, nodes }: Props) {
  const apply = useApply();
  const types = useTypes();
  const defaultOf = useDefaults();
  const layer = useEditorState((s) => s.place.layer);
  const range = stackAt(document, graph);
  const places = useMemo(() => nodes.map((node): ModelNodeAddress => ({ graph, node })), [graph, nodes]);
  const found = places.flatMap((at) => {
    const node = nodeAt(document, at);
    return node === undefined ? [] : [{ at, node, infos: types(node.type)?.params ?? {}, range }];
  });
  const fields = commonFields(document, found, range === undefined ? 'all' : layer);
  const kinds = new Set(found.map((f) => f.node.type));
  const [only] = kinds.size === 1 ? [...kinds] : [];
  const modules = found.filter((f) => types(f.node.type)?.peft !== undefined);
  const key = nodes.join(',');
  return (
    <>
      <Head
        title={`${nodes.length} selected`}
        formal={only === undefined ? [...kinds].join(', ') : (types(only)?.title ?? only)}
        icon={<Boxes size={16} aria-hidden />}
        badges={range === undefined ? undefined : <Badge>{layer === 'all' ? 'all layers' : `layer ${layer}`}</Badge>}
      />
      <Section title="Parameters" note={fields.length === 0 ? undefined : 'all at once'}>
        {fields.length === 0 ? (
          <p className={styles['quiet']}>The selected nodes have no parameter in common.</p>
        ) : (
          <div className={styles['form']}>
            {fields.map((field) => (
              <ParamField
                key={field.name}
                name={field.name}
                info={field.info}
                value={field.value}
                mixed={field.mixed}
                onChange={(value) =>
                  apply(
                    `Set ${paramTitle(field.name).toLowerCase()} of ${nodes.length} nodes`,
                    inTurn(places.map((at) => setValue(at, field.name, value, layer, defaultOf))),
                    `many:${key}.${field.name}@${layer}`,
                  )
                }
              />
            ))}
          </div>
        )}
      </Section>
      {modules.length > 0 && range !== undefined && <ManyLayers places={modules} range={range} />}
      <Section title="Together">
        <Checkbox
          label="Muted"
          checked={found.every((f) => f.node.mute === true)}
          mixed={found.some((f) => f.node.mute !== undefined) && !found.every((f) => f.node.mute === true)}
          onChange={(mute) => void apply(mute ? 'Mute' : 'Unmute', inTurn(places.map((at) => setMute(at, mute))))}
        />
        <div className={styles['buttons']}>
          <Button
            small
            reason={only === undefined || modules.length < 2 ? 'needs modules of one type' : undefined}
            onClick={() => void apply('Make a recipe', makeRecipe(places))}
          >
            One recipe
          </Button>
          <Button
            small
            reason={only === undefined || modules.length < 2 ? 'needs modules of one type' : undefined}
            onClick={() => void apply('Share parameters', shareAmong(places, ''))}
          >
            One parameter set
          </Button>
        </div>
        <p className={styles['quiet']}>A recipe shares settings. A parameter set shares what is trained.</p>
      </Section>
    </>
  );
}

function ManyLayers({
  places,
  range,
}: {
  readonly places: readonly { readonly at: ModelNodeAddress; readonly node: Node }[];
  readonly range: { readonly first: number; readonly repeat: number };
}) {
  const apply = useApply();
  const [problem, setProblem] = useState<string>();
  const sets = places.map(({ node }) => layersOfNode(node, range));
  const toggle = (layer: number): void => {
    const everywhere = sets.every((s) => s.has(layer));
    const edits = places.map(({ at }, i) => {
      const set = new Set(sets[i]);
      if (everywhere) set.delete(layer);
      else set.add(layer);
      return setLayers(at, formatLayers([...set], range.first, range.repeat));
    });
    setProblem(apply(everywhere ? `Take out of layer ${layer}` : `Put into layer ${layer}`, inTurn(edits)));
  };
  return (
    <Section title="Layers">
      <div className={styles['strip']} role="group" aria-label="Layers that have them">
        {layersOf(range).map((layer) => {
          const count = sets.filter((s) => s.has(layer)).length;
          return (
            <button
              key={layer}
              type="button"
              className={styles['layer']}
              aria-pressed={count === sets.length ? true : count === 0 ? false : 'mixed'}
              aria-label={`Layer ${layer}, ${count} of ${sets.length}`}
              onClick={() => toggle(layer)}
            >
              {layer}
            </button>
          );
        })}
      </div>
      {problem !== undefined && <p className={styles['quiet']}>{problem}</p>}
    </Section>
  );
}
