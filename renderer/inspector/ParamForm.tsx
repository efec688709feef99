/** The form of a node: its parameters, with what differs by layer or from its recipe marked below each field. */
import { memo, useCallback } from 'react';
import type { ParamInfo } from '../../engine/protocol/api/catalog.ts';
import type { Document, Node, WorkflowNode } from '../../engine/protocol/document.ts';
import { formatNodeAddress, type NodeAddress } from '../../engine/protocol/edit.ts';
import type { PlainValue } from '../../engine/protocol/params.ts';
import type { LayerRange } from '../../engine/protocol/selection.ts';
import { useEditorState } from '../state/editor.ts';
import { useApply, useDefaults } from './hooks.ts';
import styles from './inspector.module.css';
import { resetLayers, resetValue, setValue } from './model/edits.ts';
import { fieldsOf, type Field } from './model/fields.ts';
import type { NodeProblems } from './model/figures.ts';
import { paramTitle } from './model/groups.ts';
import { valueText } from './model/values.ts';
import { ParamField } from './ParamField.tsx';

export interface ParamFormProps {
  readonly document: Document;
  readonly at: NodeAddress;
  readonly node: Node | WorkflowNode;
  readonly infos: Readonly<Record<string, ParamInfo>>;
  readonly range?: LayerRange | undefined;
  readonly problems: NodeProblems;
  /** The fields that are shown and their order; all of them without. */
  readonly names?: readonly string[];
  readonly suggestions?: Readonly<Record<string, readonly string[]>>;
}

export function ParamForm({ document, at, node, infos, range, problems, names, suggestions }: ParamFormProps) {
  const layer = useEditorState((s) => s.place.layer);
  const fields = fieldsOf(document, node, infos, range, range === undefined ? 'all' : layer);
  const shown = names === undefined ? fields : names.flatMap((n) => fields.find((f) => f.name === n) ?? []);
  return (
    <div className={styles['form']}>
      {shown.map((field) => (
        <FormField
          key={field.name}
          at={at}
          field={field}
          layer={range === undefined ? 'all' : layer}
          problem={problems.byParam
            .get(field.name)
            ?.map((d) => `${d.message} ${d.fix}`)
            .join(' ')}
          suggestions={suggestions?.[field.name]}
        />
      ))}
    </div>
  );
}

interface FormFieldProps {
  readonly at: NodeAddress;
  readonly field: Field;
  readonly layer: 'all' | number;
  readonly problem: string | undefined;
  readonly suggestions: readonly string[] | undefined;
}

const FormField = memo(function FormField({ at, field, layer, problem, suggestions }: FormFieldProps) {
  const apply = useApply();
  const defaultOf = useDefaults();
  const address = formatNodeAddress(at);
  const { name } = field;
  const change = useCallback(
    (value: PlainValue) =>
      apply(
        `Set ${paramTitle(name).toLowerCase()}`,
        setValue(at, name, value, layer, defaultOf),
        `param:${address}.${name}@${layer}`,
      ),
    [apply, at, address, name, layer, defaultOf],
  );
  return (
    <div className={styles['fieldRow']} data-param={name}>
      <ParamField
        name={name}
        info={field.info}
        value={field.value}
        mixed={field.mixed}
        problem={problem}
        onChange={change}
        {...(suggestions === undefined ? {} : { suggestions })}
      />
      <FieldNotes at={at} field={field} layer={layer} />
    </div>
  );
});

/** What is particular about a value: an override, layers that differ, a departure from the recipe. */
function FieldNotes({
  at,
  field,
  layer,
}: {
  readonly at: NodeAddress;
  readonly field: Field;
  readonly layer: 'all' | number;
}) {
  const apply = useApply();
  const { name, overrides } = field;
  const title = paramTitle(name).toLowerCase();
  if (layer !== 'all' && field.here)
    return (
      <p className={styles['fieldNotes']}>
        <span className={styles['dot']} aria-hidden />
        <span>own value in layer {layer}</span>
        <button
          type="button"
          className={styles['link']}
          aria-label={`Reset ${title} of layer ${layer} to the stack's value`}
          onClick={() => void apply(`Reset ${title} to stack`, resetLayers(at, name, String(layer)))}
        >
          reset to stack
        </button>
      </p>
    );
  if (layer === 'all' && overrides.length > 0)
    return (
      <p className={styles['fieldNotes']}>
        <span className={styles['dot']} aria-hidden />
        <span>
          {valueText(field.value)} but {overrides.map((o) => `${valueText(o.value)} in ${o.layers}`).join(', ')}
        </span>
        {overrides.map((o) => (
          <button
            key={o.layers}
            type="button"
            className={styles['link']}
            aria-label={`Reset ${title} of layers ${o.layers} to the stack's value`}
            onClick={() => void apply(`Reset ${title} to stack`, resetLayers(at, name, o.layers))}
          >
            reset {overrides.length > 1 ? o.layers : 'to stack'}
          </button>
        ))}
      </p>
    );
  if (field.departs)
    return (
      <p className={styles['fieldNotes']}>
        <span className={styles['dot']} aria-hidden />
        <span>departs from the recipe</span>
        <button
          type="button"
          className={styles['link']}
          aria-label={`Take ${title} from the recipe`}
          onClick={() => void apply(`Take ${title} from the recipe`, resetValue(at, name))}
        >
          back to recipe
        </button>
      </p>
    );
  return null;
}
