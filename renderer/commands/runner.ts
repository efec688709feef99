/**
 * How menus and buttons find a command by its id: its title, keys (the person's own included) and why it is greyed. The
 * app provides it; the kit of controls needs no list of commands to import.
 */
import { createContext, useContext } from 'react';
import type { UiCommand } from './command.ts';

export interface CommandRunner {
  readonly commands: readonly UiCommand[];
  find(id: string): UiCommand | undefined;
  /** The keys of a command, as the person has bound them. */
  keys(id: string): string | undefined;
  /** Why the command cannot run now; missing when it can. */
  why(id: string): string | undefined;
  /** Runs a command, or shows why it cannot run. */
  run(id: string): void;
}

const NO_COMMANDS: CommandRunner = {
  commands: [],
  find: () => undefined,
  keys: () => undefined,
  why: () => undefined,
  run: () => undefined,
};

const RunnerContext = createContext<CommandRunner>(NO_COMMANDS);
export const CommandRunnerProvider = RunnerContext.Provider;
export const useCommands = (): CommandRunner => useContext(RunnerContext);
