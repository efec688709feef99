/** The kit of controls. */
export { Button, IconButton, type ButtonProps, type ButtonVariant, type IconButtonProps } from './Button.tsx';
export { Segmented, Tabs, type Segment, type SegmentedProps, type Tab, type TabsProps } from './Choices.tsx';
export { cx } from './cx.ts';
export { Dialog, Popover, type DialogProps, type PopoverProps } from './Dialog.tsx';
export {
  Badge,
  Callout,
  Empty,
  Progress,
  Spinner,
  type BadgeProps,
  type CalloutProps,
  type EmptyProps,
  type ProgressProps,
  type Tone,
} from './Display.tsx';
export { Field, noteId, type FieldProps } from './Field.tsx';
export {
  formatBytes,
  formatCompact,
  formatCount,
  formatFigure,
  formatPlural,
  formatSeconds,
  formatShare,
  formatTime,
} from './format.ts';
export { Formula, type FormulaProps } from './Formula.tsx';
export { ariaKeys, canonicalKeys, isPlainKey, keyParts, keysOf, keyText } from './keys.ts';
export { Keys } from './Keys.tsx';
export { ContextMenu, Menu, type ContextMenuProps, type MenuItem, type MenuProps } from './Menu.tsx';
export { NumberField, type NumberFieldProps } from './NumberField.tsx';
export { rangeWords, readNumber, steppedNumber, writeNumber } from './numbers.ts';
export { Select, type Option, type SelectProps } from './Select.tsx';
export { Table, type Column, type TableProps } from './Table.tsx';
export { TextField, type TextFieldProps } from './TextField.tsx';
export { Checkbox, Switch } from './Toggles.tsx';
export { Tooltip, UiRoot, type TooltipProps } from './Tooltip.tsx';
