/** The explicit list of all commands of the page. */
import { appCommands } from '../app/commands.ts';
import { canvasCommands } from '../canvas/commands.ts';
import { codeCommands } from '../code/commands.ts';
import { dataCommands } from '../data/commands.ts';
import { inspectorCommands } from '../inspector/commands.ts';
import { matrixCommands } from '../matrix/commands.ts';
import { runsCommands } from '../runs/commands.ts';
import { sourcesCommands } from '../sources/commands.ts';
import type { UiCommand } from './command.ts';

export const UI_COMMANDS: readonly UiCommand[] = [
  ...appCommands,
  ...canvasCommands,
  ...matrixCommands,
  ...inspectorCommands,
  ...sourcesCommands,
  ...codeCommands,
  ...dataCommands,
  ...runsCommands,
];
