/** A model of the store, with its architecture, size, licence and card. */
import { useEffect, useState } from 'react';
import type { ModelEntry } from '../../engine/protocol/api/app.ts';
import { useEditor } from '../state/editor.ts';
import { Badge, formatBytes, Select, type FieldProps } from '../ui/index.ts';
import styles from './inspector.module.css';
import { Facts } from './Section.tsx';

/** The models of the store; undefined until they are known. */
export function useModels(): readonly ModelEntry[] | undefined {
  const editor = useEditor();
  const [models, setModels] = useState<readonly ModelEntry[]>();
  useEffect(() => {
    let alive = true;
    editor.client.call('models.list', {}).then(
      (list) => (alive ? setModels(list) : undefined),
      (error: unknown) => (alive ? editor.report(error) : undefined),
    );
    return () => {
      alive = false;
    };
  }, [editor]);
  return models;
}

interface BackboneFieldProps extends FieldProps {
  readonly value: string;
  readonly disabled: boolean;
  readonly onTake: (value: string) => void;
}

export function BackboneField({ value, onTake, disabled, ...field }: BackboneFieldProps) {
  const models = useModels();
  const options = (models ?? []).map((m) => ({
    value: m.name,
    title: m.name,
    help: `${m.architecture}, ${m.present ? formatBytes(m.bytes) : 'not downloaded'}`,
  }));
  const known = options.some((o) => o.value === value);
  return (
    <Select
      {...field}
      value={value}
      disabled={disabled}
      options={known || value === '' ? options : [{ value, title: value, help: 'not in the store' }, ...options]}
      onChange={onTake}
    />
  );
}

/** Licence and card of a model of the store. */
export function BackboneCard({ name }: { readonly name: string }) {
  const model = useModels()?.find((m) => m.name === name);
  const [open, setOpen] = useState(false);
  if (model === undefined) return <p className={styles['quiet']}>{name} is not a model of the store.</p>;
  return (
    <>
      <Facts
        facts={[
          { name: 'Architecture', value: model.architecture },
          { name: 'Size on disk', value: model.present ? formatBytes(model.bytes) : 'not downloaded' },
          {
            name: 'Licence',
            value: model.licence === '' ? <Badge tone="warning">not stated</Badge> : <Badge>{model.licence}</Badge>,
          },
        ]}
      />
      {model.card !== '' && (
        <button type="button" className={styles['link']} aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Hide the model card' : 'Show the model card'}
        </button>
      )}
      {open && <pre className={styles['card']}>{model.card}</pre>}
    </>
  );
}
