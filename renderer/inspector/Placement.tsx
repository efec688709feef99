/** Where a module is: the layers that have it, whether it is muted, and how far one set of parameters reaches. */
import { useState } from 'react';
import type { Node } from '../../engine/protocol/document.ts';
import type { ModelNodeAddress } from '../../engine/protocol/edit.ts';
import { formatLayers, layersOf, resolveLayers, type LayerRange } from '../../engine/protocol/selection.ts';
import { useEditorState } from '../state/editor.ts';
import { Select, Switch, TextField } from '../ui/index.ts';
import { useApply } from './hooks.ts';
import styles from './inspector.module.css';
import { layersOfNode, mutedLayers, setLayers, setScope, toggleLayer, toggleMute } from './model/edits.ts';
import { Section } from './Section.tsx';

export interface PlacementProps {
  readonly at: ModelNodeAddress;
  readonly node: Node;
  readonly range: LayerRange | undefined;
  readonly trainable: boolean;
  /** Layers of a backbone without a way around them can be neither muted nor left out. */
  readonly fixed: boolean;
}

export function Placement({ at, node, range, trainable, fixed }: PlacementProps) {
  const apply = useApply();
  const layer = useEditorState((s) => s.place.layer);
  if (fixed) return null;
  const muted = range === undefined || layer === 'all' ? node.mute === true : mutedLayers(node, range).has(layer);
  const some = range !== undefined && typeof node.mute === 'string' ? [...mutedLayers(node, range)] : [];
  return (
    <Section title="Placement" note={range === undefined ? undefined : countWords(node, range)}>
      {range !== undefined && <LayersField at={at} node={node} range={range} trainable={trainable} />}
      <Switch
        label={layer === 'all' || range === undefined ? 'Muted' : `Muted in layer ${layer}`}
        help="Leaves the module out without forgetting where it was; the backbone's outputs come back bit for bit."
        checked={muted}
        onChange={() => void apply(muted ? 'Unmute' : 'Mute', toggleMute(at, layer))}
      />
      {layer === 'all' && some.length > 0 && range !== undefined && (
        <p className={styles['quiet']}>Muted in layers {formatLayers(some, range.first, range.repeat)}.</p>
      )}
      {trainable && range !== undefined && <ScopeField at={at} node={node} />}
    </Section>
  );
}

const countWords = (node: Node, range: LayerRange): string => {
  const count = layersOfNode(node, range).size;
  return count === range.repeat ? `all ${range.repeat} layers` : `${count} of ${range.repeat} layers`;
};

/** The selection as text with what it resolves to, and a strip to click. */
function LayersField({ at, node, range, trainable }: Omit<PlacementProps, 'fixed'> & { readonly range: LayerRange }) {
  const apply = useApply();
  const shown = useEditorState((s) => s.place.layer);
  const [refused, setRefused] = useState<string>();
  const selected = layersOfNode(node, range);
  const muted = mutedLayers(node, range);
  const text = node.layers ?? 'all';
  const commit = (next: string): void => {
    const written = next.trim() === '' ? 'all' : next.trim();
    const read = resolveLayers(written, range.first, range.repeat);
    setRefused(read.ok ? apply('Set layers', setLayers(at, written)) : `${sentence(read.error)}.`);
  };
  const resolved = formatLayers([...selected], range.first, range.repeat);
  return (
    <div>
      <TextField
        label="Layers"
        help='"all", "none", numbers and ranges such as "0-3", "0,2,5", "4.." or "-2.." (the last two).'
        inline
        mono
        value={text}
        problem={refused}
        note={resolved === text ? undefined : `= ${[...selected].sort((a, b) => a - b).join(', ') || 'no layer'}`}
        onCommit={commit}
      />
      <div className={styles['strip']} role="group" aria-label="Layers that have it" style={{ marginTop: 8 }}>
        {layersOf(range).map((layer) => (
          <button
            key={layer}
            type="button"
            className={styles['layer']}
            data-tone={trainable ? 'trainable' : 'frozen'}
            data-muted={muted.has(layer) || undefined}
            data-here={shown === layer || undefined}
            aria-pressed={selected.has(layer)}
            aria-label={`Layer ${layer}${muted.has(layer) ? ', muted' : ''}`}
            onClick={() =>
              void apply(
                selected.has(layer) ? `Take out of layer ${layer}` : `Put into layer ${layer}`,
                toggleLayer(at, layer),
              )
            }
          >
            {layer}
          </button>
        ))}
      </div>
    </div>
  );
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const SCOPES = [
  { value: 'layer', title: 'one set per layer' },
  { value: 'stack', title: 'one set for the stack' },
  { value: 'model', title: 'one set for the model' },
] as const;

function ScopeField({ at, node }: { readonly at: ModelNodeAddress; readonly node: Node }) {
  const apply = useApply();
  return (
    <Select
      label="Parameters"
      inline
      help="Whether every layer trains its own values, or layers share one set."
      value={node.scope ?? 'layer'}
      options={SCOPES}
      disabled={node.shared !== undefined}
      note={node.shared === undefined ? undefined : 'The shared set decides.'}
      onChange={(scope) => void apply('Set scope of parameters', setScope(at, scope))}
    />
  );
}
