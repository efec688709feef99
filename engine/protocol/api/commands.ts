/** The total table of commands: a command that is not here does not exist. */
import { appCommands } from './app.ts';
import { checkCommands } from './check.ts';
import { customCommands } from './custom.ts';
import { dataCommands } from './data.ts';
import type { InputOf, ParamsOf, ResultOf } from './define.ts';
import { projectCommands } from './project.ts';
import { runCommands } from './runs.ts';

export const COMMANDS = {
  ...appCommands,
  ...projectCommands,
  ...checkCommands,
  ...dataCommands,
  ...runCommands,
  ...customCommands,
} as const;

export type CommandName = keyof typeof COMMANDS;
/** What a handler gets. */
export type CommandParams<N extends CommandName> = ParamsOf<(typeof COMMANDS)[N]>;
/** What a caller gives. */
export type CommandInput<N extends CommandName> = InputOf<(typeof COMMANDS)[N]>;
export type CommandResult<N extends CommandName> = ResultOf<(typeof COMMANDS)[N]>;
