/**
 * A command of the service: the schema of what it takes and the type of what it gives. Results come from our own service
 * and are typed only; what a page sends is not trusted and is always parsed.
 */
import type { z } from 'zod';

export interface CommandSpec<S extends z.ZodType = z.ZodType, R = unknown> {
  readonly params: S;
  /** Whether it changes anything; then it carries an idempotency key and is never run twice for one. */
  readonly mutates: boolean;
  /** One line for people, shown in the problem report and the log. */
  readonly help: string;
  /** Carries the type of the result; never there at run time. */
  readonly result?: R;
}

export const query =
  <R>() =>
  <S extends z.ZodType>(params: S, help: string): CommandSpec<S, R> => ({ params, mutates: false, help });
export const mutation =
  <R>() =>
  <S extends z.ZodType>(params: S, help: string): CommandSpec<S, R> => ({ params, mutates: true, help });

export type ParamsOf<C> = C extends CommandSpec<infer S> ? z.output<S> : never;
export type InputOf<C> = C extends CommandSpec<infer S> ? z.input<S> : never;
export type ResultOf<C> = C extends CommandSpec<z.ZodType, infer R> ? R : never;
