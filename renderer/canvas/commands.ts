/** Commands of this area. */
import type { UiCommand } from '../commands/command.ts';
import { editingCommands } from './commands/editing.ts';
import { restCommands } from './commands/rest.ts';
import { viewingCommands } from './commands/viewing.ts';

export const canvasCommands: readonly UiCommand[] = [...restCommands, ...editingCommands, ...viewingCommands];
