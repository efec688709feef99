/** Nominal types by one helper: a branded value is made in exactly one place and never mixed with another kind of string or number. */
declare const brandKey: unique symbol;

export type Brand<Base, Name extends string> = Base & { readonly [brandKey]: Name };
