/** Parameter specifications of nodes: type, default, range, unit and help, from which forms, checks and constructor arguments are made. */

interface SpecBase {
  readonly help: string;
  readonly unit?: string;
}
export interface IntSpec extends SpecBase {
  readonly kind: 'int';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export interface NumberSpec extends SpecBase {
  readonly kind: 'number';
  readonly default: number;
  readonly min: number;
  readonly max: number;
}
export interface BoolSpec extends SpecBase {
  readonly kind: 'bool';
  readonly default: boolean;
}
export interface ChoiceSpec<C extends string = string> extends SpecBase {
  readonly kind: 'choice';
  readonly default: C;
  readonly choices: readonly C[];
}
export interface TextSpec extends SpecBase {
  readonly kind: 'text';
  readonly default: string;
}
export type ParamSpec = IntSpec | NumberSpec | BoolSpec | ChoiceSpec | TextSpec;
export type ParamSpecs = Readonly<Record<string, ParamSpec>>;

export type ParamValue = string | number | boolean;
export type ParamValues<S extends ParamSpecs> = {
  readonly [K in keyof S]: S[K] extends IntSpec | NumberSpec
    ? number
    : S[K] extends BoolSpec
      ? boolean
      : S[K] extends ChoiceSpec<infer C>
        ? C
        : string;
};

const LARGEST = 2 ** 31 - 1;

export const int = (
  value: number,
  help: string,
  range: { min?: number; max?: number; unit?: string } = {},
): IntSpec => ({
  kind: 'int',
  default: value,
  min: range.min ?? 0,
  max: range.max ?? LARGEST,
  help,
  ...(range.unit === undefined ? {} : { unit: range.unit }),
});
export const number = (
  value: number,
  help: string,
  range: { min?: number; max?: number; unit?: string } = {},
): NumberSpec => ({
  kind: 'number',
  default: value,
  min: range.min ?? -Number.MAX_VALUE,
  max: range.max ?? Number.MAX_VALUE,
  help,
  ...(range.unit === undefined ? {} : { unit: range.unit }),
});
export const bool = (value: boolean, help: string): BoolSpec => ({ kind: 'bool', default: value, help });
export const choice = <const C extends string>(choices: readonly C[], value: C, help: string): ChoiceSpec<C> => ({
  kind: 'choice',
  default: value,
  choices,
  help,
});
export const text = (value: string, help: string): TextSpec => ({ kind: 'text', default: value, help });

/** Dropout probability, as every node that has one writes it. */
export const dropoutSpec = (value: number, what: string): NumberSpec =>
  number(value, `Probability with which ${what} is dropped while training.`, { min: 0, max: 0.999 });

/** The range in words; a bound that was not given is not named. */
function rangeOf({ kind, min, max }: IntSpec | NumberSpec): string {
  const isOpen = max === (kind === 'int' ? LARGEST : Number.MAX_VALUE);
  if (min === -Number.MAX_VALUE) return `${max} or less`;
  return isOpen ? `${min} or more` : `from ${min} to ${max}`;
}

/** The value if it fits the specification, else the reason in words. */
export function readParam(
  spec: ParamSpec,
  value: unknown,
): { readonly value: ParamValue } | { readonly problem: string; readonly fix: string } {
  switch (spec.kind) {
    case 'int':
    case 'number': {
      if (typeof value !== 'number' || !Number.isFinite(value))
        return { problem: 'is not a number', fix: 'Give a finite number.' };
      if (spec.kind === 'int' && !Number.isInteger(value))
        return { problem: 'is not a whole number', fix: 'Give a whole number.' };
      if (value < spec.min || value > spec.max)
        return { problem: `must be ${rangeOf(spec)}`, fix: `Give a number that is ${rangeOf(spec)}.` };
      return { value };
    }
    case 'bool':
      return typeof value === 'boolean'
        ? { value }
        : { problem: 'is neither true nor false', fix: 'Give true or false.' };
    case 'choice':
      return typeof value === 'string' && spec.choices.includes(value)
        ? { value }
        : { problem: `must be one of ${spec.choices.join(', ')}`, fix: 'Choose one of them.' };
    case 'text':
      return typeof value === 'string' ? { value } : { problem: 'is not a text', fix: 'Give a text.' };
  }
}
