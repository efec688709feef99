/** Commands of this area. */
import type { UiCommand } from '../commands/command.ts';

export const runsCommands: readonly UiCommand[] = [];
