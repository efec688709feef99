/** Commands whose part of the service is not there in this build; they answer in words. */
import { COMMANDS, type CommandName } from '../protocol/api/commands.ts';
import type { HandlerTable, Handlers } from './context.ts';
import { userProblem } from './problems.ts';

/** Handlers for all names with a prefix. */
export function notYet<P extends string>(prefix: P): Handlers<P> {
  const names = (Object.keys(COMMANDS) as CommandName[]).filter((name) => name.startsWith(prefix));
  const refuse = (): never => {
    throw userProblem('not-available', 'This is not available yet.', 'Update Espalier.');
  };
  return Object.fromEntries(names.map((name) => [name, refuse])) as unknown as Pick<HandlerTable, never> as Handlers<P>;
}
