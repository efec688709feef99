/** From keys to commands. Plain letters work on the canvas only, so that they never fire while a person writes. */
import type { UiCommand } from '../commands/command.ts';
import { canonicalKeys, isPlainKey, keysOf } from '../ui/keys.ts';

export interface Binding {
  readonly keys: string;
  readonly command: string;
}

/** Keys of every command: its own ones, or what the person bound it to; an empty text unbinds. */
export function bindingsOf(
  commands: readonly UiCommand[],
  own: Readonly<Record<string, string>>,
): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>();
  for (const command of commands) {
    const keys = own[command.id] ?? command.keys ?? '';
    if (keys === '') continue;
    const canonical = canonicalKeys(keys);
    map.set(canonical, [...(map.get(canonical) ?? []), command.id]);
  }
  return map;
}

/** Other commands that have these keys already. */
export const clashes = (
  commands: readonly UiCommand[],
  own: Readonly<Record<string, string>>,
  id: string,
  keys: string,
): readonly string[] => (bindingsOf(commands, own).get(canonicalKeys(keys)) ?? []).filter((other) => other !== id);

/** Where a person writes: there only keys with Ctrl or Alt and function keys are commands, and not those of text editing. */
export function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  const input = target.closest('input, textarea, select, [contenteditable="true"], [role="textbox"], .monaco-editor');
  if (!input) return false;
  return !(input instanceof HTMLInputElement && ['checkbox', 'radio', 'button', 'range'].includes(input.type));
}

/** On the canvas, on Start, or nowhere in particular. */
export const isOnCanvas = (target: EventTarget | null): boolean =>
  target instanceof Element && (target === document.body || target.closest('[data-region="canvas"]') !== null);

/** Keys that move the focus or press what has it, wherever that is a control. */
const OF_CONTROLS = /^(Shift\+)?(Tab|Enter|Space|Arrow(Left|Right|Up|Down)|Home|End|PageUp|PageDown)$/;
const isOnControl = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  target.closest(
    'button, a, [role="tab"], [role="radio"], [role="separator"], [role="gridcell"], [role="menuitem"]',
  ) !== null;

/** Keys that text fields need for themselves. */
const OF_TEXT: ReadonlySet<string> = new Set(
  [
    'Z',
    'Shift+Z',
    'Y',
    'X',
    'C',
    'V',
    'A',
    'D',
    'F',
    'G',
    'ArrowLeft',
    'ArrowRight',
    'Backspace',
    'Delete',
    'Home',
    'End',
  ].map((key) => `Ctrl+${key}`),
);

/** Arrows, Enter, Space and the like move and press things where the focus is; a command gets them on the canvas only. */
export function isWanted(keys: string, target: EventTarget | null): boolean {
  if (isWriting(target)) return !isPlainKey(keys) && !OF_TEXT.has(keys);
  if (!isPlainKey(keys)) return true;
  return isOnCanvas(target) && !(OF_CONTROLS.test(keys) && isOnControl(target));
}

export interface Dispatch {
  readonly bindings: () => ReadonlyMap<string, readonly string[]>;
  /** Why a command cannot run; missing when it can. */
  readonly why: (id: string) => string | undefined;
  readonly run: (id: string) => void;
  /** Whether a dialog is open, below which no key reaches the page. */
  readonly blocked: () => boolean;
}

/** The command that is reached from everywhere. */
const EVERYWHERE = 'app.palette';

export function listenToKeys(dispatch: Dispatch): () => void {
  // The code editor takes Ctrl+K for the first of two keys and waits for the second, so the palette is asked before it.
  const onKeyFirst = (event: KeyboardEvent): void => {
    const inCode = event.target instanceof Element && event.target.closest('.monaco-editor') !== null;
    if (!inCode || event.isComposing || dispatch.blocked()) return;
    if (dispatch.bindings().get(keysOf(event))?.includes(EVERYWHERE) !== true) return;
    event.preventDefault();
    event.stopPropagation();
    dispatch.run(EVERYWHERE);
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.isComposing) return;
    const keys = keysOf(event);
    if (keys === '') return;
    const ids = dispatch.bindings().get(keys) ?? [];
    if (ids.length === 0 || dispatch.blocked() || !isWanted(keys, event.target)) return;
    // Several commands may share keys when only one of them makes sense at a time.
    const id = ids.find((candidate) => dispatch.why(candidate) === undefined) ?? ids[0];
    if (id === undefined) return;
    // The browser keeps what moves the focus when there is nothing for it to do.
    if (OF_CONTROLS.test(keys) && dispatch.why(id) !== undefined) return;
    event.preventDefault();
    dispatch.run(id);
  };
  addEventListener('keydown', onKeyFirst, true);
  addEventListener('keydown', onKey);
  return () => {
    removeEventListener('keydown', onKeyFirst, true);
    removeEventListener('keydown', onKey);
  };
}
