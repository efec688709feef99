/** What is on or off. */
import { Check, Minus } from 'lucide-react';
import { Checkbox as CheckBase, Switch as SwitchBase } from 'radix-ui';
import { useId } from 'react';
import styles from './fields.module.css';
import { Tooltip } from './Tooltip.tsx';

interface ToggleProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean | undefined;
  readonly hideLabel?: boolean | undefined;
  readonly help?: string | undefined;
}

const Text = ({
  id,
  label,
  hideLabel,
  help,
}: {
  id: string;
  label: string;
  hideLabel?: boolean | undefined;
  help?: string | undefined;
}) => {
  const text = (
    <label htmlFor={id} className={hideLabel === true ? 'visually-hidden' : styles['checkText']}>
      {label}
    </label>
  );
  return help === undefined || help === '' ? (
    text
  ) : (
    <Tooltip text={help} side="left">
      {text}
    </Tooltip>
  );
};

export function Switch({ label, checked, onChange, disabled, hideLabel, help }: ToggleProps) {
  const id = useId();
  return (
    <span className={hideLabel === true ? styles['check'] : styles['switchRow']} data-disabled={disabled || undefined}>
      <Text id={id} label={label} hideLabel={hideLabel} help={help} />
      <SwitchBase.Root
        id={id}
        className={styles['switch']}
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
      >
        <span className={styles['switchTrack']}>
          <span className={styles['switchKnob']} />
        </span>
      </SwitchBase.Root>
    </span>
  );
}

/** `mixed`: the things it stands for differ. */
export function Checkbox(props: ToggleProps & { readonly mixed?: boolean | undefined }) {
  const { label, checked, onChange, disabled, hideLabel, help, mixed = false } = props;
  const id = useId();
  return (
    <span className={styles['check']} data-disabled={disabled || undefined}>
      <CheckBase.Root
        id={id}
        className={styles['checkBox']}
        checked={mixed ? 'indeterminate' : checked}
        onCheckedChange={(next) => onChange(next === true)}
        disabled={disabled}
      >
        <span className={styles['checkMark']}>
          {mixed ? <Minus size={12} strokeWidth={3} /> : checked ? <Check size={12} strokeWidth={3} /> : null}
        </span>
      </CheckBase.Root>
      <Text id={id} label={label} hideLabel={hideLabel} help={help} />
    </span>
  );
}
