/**
 * A command of the page: everything that a person can do has one, with a name for the palette and, where it is frequent, a
 * key. Menus, buttons and keys all run commands, so that each works by keyboard.
 */
import type { Editor, EditorState } from '../state/editor.ts';

export const COMMAND_GROUPS = [
  'File',
  'Edit',
  'View',
  'Graph',
  'Add',
  'Layers',
  'Run',
  'Results',
  'Data',
  'Code',
  'Help',
] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export interface UiCommand {
  /** `edit.undo`; never changes, since people bind keys to it. */
  readonly id: string;
  readonly title: string;
  readonly group: CommandGroup;
  /** `Ctrl+Z`, `Ctrl+Shift+P`, `F6`, `M`; a plain letter works only while the canvas has focus. Ctrl means Cmd on macOS. */
  readonly keys?: string;
  /** Other words that people look for. */
  readonly words?: readonly string[];
  /** Missing: always. The reason why it cannot run now is shown where it is greyed. */
  readonly unavailable?: (state: EditorState) => string | undefined;
  readonly run: (editor: Editor) => void | Promise<void>;
}
