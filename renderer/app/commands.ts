/** Commands of the window and its files. */
import type { UiCommand } from '../commands/command.ts';
import { editCommands } from './commands/edit.ts';
import { fileCommands, helpCommands } from './commands/file.ts';
import { viewCommands } from './commands/view.ts';

export const appCommands: readonly UiCommand[] = [...fileCommands, ...editCommands, ...viewCommands, ...helpCommands];
