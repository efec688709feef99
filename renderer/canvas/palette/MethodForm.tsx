/** The few parameters of a method, and putting it at its places: the service works it out, the page makes it an edit. */
import { useState } from 'react';
import type { MethodInfo, ParamInfo } from '../../../engine/protocol/api/catalog.ts';
import { useEditor, useEditorState } from '../../state/editor.ts';
import { Button, Checkbox, NumberField, Select, TextField } from '../../ui/index.ts';
import styles from './palette.module.css';

type Value = string | number | boolean;

const defaultOf = (p: ParamInfo): Value => (p.kind === 'list' ? p.default.join(',') : p.default);

const labelOf = (name: string): string => {
  const words = name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return name.length === 1 ? name : words.charAt(0).toUpperCase() + words.slice(1);
};

export function MethodForm({ method }: { readonly method: MethodInfo }) {
  const editor = useEditor();
  const banks = useEditorState((s) => s.document?.banks);
  const names = Object.keys(banks ?? {});
  const [values, setValues] = useState<Readonly<Record<string, Value>>>({});
  const [bank, setBank] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const chosenBank = bank ?? names[0];
  const set = (name: string, value: Value): void => setValues({ ...values, [name]: value });

  const apply = async (): Promise<void> => {
    setBusy(true);
    try {
      await editor.settled();
      const { project, revision, place, document } = editor.store.getState();
      const model = place.model ?? Object.keys(document?.models ?? {})[0];
      if (!project || model === undefined) return;
      const proposal = await editor.client.call('project.proposeMethod', {
        project: project.id,
        revision,
        model,
        method: method.name,
        params: { ...values },
        ...(method.bank && chosenBank !== undefined ? { bank: chosenBank } : {}),
      });
      if (editor.applyProposal(`Add ${method.title}`, proposal.patch) && proposal.notes.length > 0) {
        editor.toast('info', proposal.notes.join('\n'));
      }
    } catch (error) {
      editor.report(error);
    } finally {
      setBusy(false);
    }
  };
  const lacksBank = method.bank && names.length === 0;
  return (
    <form
      className={styles['form']}
      onSubmit={(e) => {
        e.preventDefault();
        void apply();
      }}
    >
      {Object.entries(method.params).map(([name, p]) => (
        <Param key={name} name={name} param={p} value={values[name] ?? defaultOf(p)} onChange={(v) => set(name, v)} />
      ))}
      {method.bank && names.length > 1 && (
        <Select label="Source bank" value={chosenBank} options={names} onChange={setBank} />
      )}
      <Button
        type="submit"
        variant="primary"
        disabled={busy || lacksBank}
        reason={lacksBank ? 'This method mixes trained sources: make a source bank first.' : undefined}
      >
        {busy ? 'Working it out ...' : `Add ${method.title}`}
      </Button>
    </form>
  );
}

interface ParamProps {
  readonly name: string;
  readonly param: ParamInfo;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

function Param({ name, param, value, onChange }: ParamProps) {
  const label = labelOf(name);
  switch (param.kind) {
    case 'int':
    case 'number':
      return (
        <NumberField
          label={label}
          help={param.help}
          value={Number(value)}
          min={param.min}
          max={param.max}
          integer={param.kind === 'int'}
          onCommit={onChange}
        />
      );
    case 'bool':
      return <Checkbox label={label} help={param.help} checked={value === true} onChange={onChange} />;
    case 'choice':
      return (
        <Select label={label} help={param.help} value={String(value)} options={param.choices} onChange={onChange} />
      );
    case 'text':
    case 'path':
    case 'backbone':
    case 'list':
      return <TextField label={label} help={param.help} value={String(value)} onChange={onChange} />;
  }
}
