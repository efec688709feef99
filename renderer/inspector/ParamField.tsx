/** One field of a generated form, by the kind of its parameter. What does not fit is said below it and is not taken. */
import { useState } from 'react';
import type { ParamInfo } from '../../engine/protocol/api/catalog.ts';
import type { PlainValue } from '../../engine/protocol/params.ts';
import { NumberField, Select, Switch, TextField, type FieldProps } from '../ui/index.ts';
import { BackboneField } from './BackboneField.tsx';
import { ListField } from './ListField.tsx';
import { PathField } from './PathField.tsx';
import styles from './inspector.module.css';
import { paramTitle } from './model/groups.ts';
import { hasSlider, isOpen, rangeWords, readValue, stepOf } from './model/values.ts';

export interface ParamFieldProps {
  readonly name: string;
  readonly info: ParamInfo;
  readonly value: PlainValue;
  readonly mixed?: boolean;
  readonly problem?: string | undefined;
  readonly disabled?: boolean;
  /** Completions of a list: the columns of the data. */
  readonly suggestions?: readonly string[];
  /** Takes a value, or gives the reason why not. */
  readonly onChange: (value: PlainValue) => string | undefined;
}

export function ParamField(props: ParamFieldProps) {
  const { name, info, value, mixed = false, disabled = false } = props;
  const [refused, setRefused] = useState<string>();
  const take = (next: PlainValue): void => {
    const read = readValue(info, next);
    setRefused(read.ok ? props.onChange(read.value) : read.error);
  };
  const range = rangeWords(info);
  const common: FieldProps & { readonly disabled: boolean } = {
    label: paramTitle(name),
    help: range === '' ? info.help : `${info.help} Range: ${range}.`,
    unit: info.unit,
    problem: refused ?? props.problem,
    inline: true,
    disabled,
  };
  switch (info.kind) {
    case 'int':
    case 'number':
      return (
        <Numeric
          {...common}
          info={info}
          mixed={mixed}
          value={typeof value === 'number' ? value : undefined}
          onTake={take}
        />
      );
    case 'bool':
      return (
        <div className={styles['fieldRow']}>
          <Switch
            label={common.label}
            help={mixed ? `${info.help} Differs between the selected.` : info.help}
            checked={value === true}
            disabled={disabled}
            onChange={take}
          />
          {mixed && <p className={styles['quiet']}>mixed</p>}
          {common.problem !== undefined && <p className={styles['quiet']}>{common.problem}</p>}
        </div>
      );
    case 'choice':
      return (
        <Select
          {...common}
          value={typeof value === 'string' ? value : undefined}
          mixed={mixed}
          options={info.choices.map((c) => ({ value: c, title: c === '' ? 'none' : c }))}
          onChange={take}
        />
      );
    case 'list':
      return (
        <ListField
          {...common}
          value={Array.isArray(value) ? value.map(String) : []}
          suggestions={props.suggestions ?? []}
          onTake={take}
        />
      );
    case 'path':
      return <PathField {...common} value={typeof value === 'string' ? value : ''} onTake={take} />;
    case 'backbone':
      return <BackboneField {...common} value={typeof value === 'string' ? value : ''} onTake={take} />;
    case 'text':
      return (
        <TextField
          {...common}
          value={mixed || typeof value !== 'string' ? '' : value}
          placeholder={mixed ? 'mixed' : undefined}
          mono={typeof value === 'string' && value.includes('.')}
          onCommit={take}
        />
      );
  }
}

interface NumericProps extends FieldProps {
  readonly info: ParamInfo & { readonly kind: 'int' | 'number' };
  readonly value: number | undefined;
  readonly mixed: boolean;
  readonly disabled: boolean;
  readonly onTake: (value: number) => void;
}

function Numeric({ info, value, mixed, onTake, ...common }: NumericProps) {
  const field = (
    <NumberField
      {...common}
      inline={hasSlider(info) ? false : true}
      hideLabel={hasSlider(info)}
      problem={hasSlider(info) ? undefined : common.problem}
      value={value}
      mixed={mixed}
      min={isOpen(info.min) ? undefined : info.min}
      max={isOpen(info.max) ? undefined : info.max}
      step={stepOf(info)}
      integer={info.kind === 'int'}
      onCommit={onTake}
    />
  );
  if (!hasSlider(info)) return field;
  return (
    <div className={styles['inlineField']}>
      <span className={styles['inlineLabel']} aria-hidden title={common.help}>
        {common.label}
      </span>
      <div className={styles['sliderRow']}>
        <input
          type="range"
          className={styles['slider']}
          aria-label={`${common.label}, slider`}
          min={info.min}
          max={info.max}
          step={stepOf(info)}
          value={value ?? info.default}
          disabled={common.disabled}
          onChange={(event) => onTake(Math.min(info.max, Number(event.target.value)))}
        />
        {field}
      </div>
      {common.problem !== undefined && (
        <p className={styles['quiet']} role="alert" style={{ gridColumn: 2, color: 'var(--error)' }}>
          {common.problem}
        </p>
      )}
    </div>
  );
}
