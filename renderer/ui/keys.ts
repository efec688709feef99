/** Keys of commands: how they are written, compared with key events, and shown on this machine. */

const IS_MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

const MAC: Readonly<Record<string, string>> = { Ctrl: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↩', Backspace: '⌫' };
const SHOWN: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Delete: 'Del',
};

/** `Ctrl+Shift+P` as a list of what is printed on the keys. */
export const keyParts = (keys: string): readonly string[] =>
  splitKeys(keys).map((part) => (IS_MAC ? MAC[part] : undefined) ?? SHOWN[part] ?? part);

export const keyText = (keys: string): string => keyParts(keys).join(IS_MAC ? ' ' : '+');

/** The form in `aria-keyshortcuts`. */
export const ariaKeys = (keys: string): string =>
  splitKeys(keys)
    .map((part) => (part === 'Ctrl' ? (IS_MAC ? 'Meta' : 'Control') : part))
    .join('+');

/** A plus sign may be the key itself: `Ctrl++`. */
function splitKeys(keys: string): readonly string[] {
  if (keys === '+') return ['+'];
  const parts = keys.endsWith('++') ? [...keys.slice(0, -2).split('+'), '+'] : keys.split('+');
  return parts.filter((part) => part !== '');
}

interface KeyPress {
  readonly key: string;
  readonly code?: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** The canonical text of a key event, `Ctrl+Shift+P`; empty while only modifiers are down. */
export function keysOf(event: KeyPress, mac: boolean = IS_MAC): string {
  const { key } = event;
  if (['Control', 'Shift', 'Alt', 'Meta', 'Dead', 'CapsLock', 'AltGraph', ''].includes(key)) return '';
  const printed = key.length === 1;
  const letter = printed && key.toLowerCase() !== key.toUpperCase();
  const digit = /^Digit([0-9])$/.exec(event.code ?? '')?.[1];
  // Shift changes what a sign key prints, so that it is part of the sign; with Alt a Mac prints another letter.
  const name =
    event.altKey && /^Key[A-Z]$/.test(event.code ?? '')
      ? (event.code ?? '').slice(3)
      : letter
        ? key.toUpperCase()
        : event.shiftKey && digit !== undefined
          ? digit
          : key === ' '
            ? 'Space'
            : key;
  const shift = event.shiftKey && (!printed || letter || digit !== undefined || key === ' ');
  const ctrl = mac ? event.metaKey : event.ctrlKey;
  return [ctrl ? 'Ctrl' : '', event.altKey ? 'Alt' : '', shift ? 'Shift' : '', name].filter((p) => p !== '').join('+');
}

/** Keys as a person wrote them, in the canonical order of modifiers; letters upper case. */
export function canonicalKeys(keys: string): string {
  const parts = splitKeys(keys.trim());
  const last = parts.at(-1) ?? '';
  const has = (name: string): boolean => parts.slice(0, -1).some((p) => p.toLowerCase() === name.toLowerCase());
  const name = last.length === 1 ? last.toUpperCase() : last;
  return [has('Ctrl') ? 'Ctrl' : '', has('Alt') ? 'Alt' : '', has('Shift') ? 'Shift' : '', name]
    .filter((p) => p !== '')
    .join('+');
}

/** Whether the keys type a sign, so that they must not work while a person writes. */
export const isPlainKey = (keys: string): boolean => !/^(Ctrl|Alt)\+/.test(keys) && !/^(Shift\+)?F[0-9]+$/.test(keys);
