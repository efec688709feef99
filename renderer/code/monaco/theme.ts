/** The page's tokens as themes of the code editor, so that code has the colours of everything else. */
import type { editor } from 'monaco-editor/editor';

export const LIGHT = 'espalier-light';
export const DARK = 'espalier-dark';

export const themeName = (root: HTMLElement): string => (root.dataset['theme'] === 'dark' ? DARK : LIGHT);

/** A colour of the page as `#rrggbb` or `#rrggbbaa`. */
type Token = (name: string) => string;

const hex = (n: number): string => Math.round(n).toString(16).padStart(2, '0');

/** `rgba(27, 35, 48, 0.06)` as `#1b23300f`, `#fff` as `#ffffff`: the editor takes long hexadecimal notation alone. */
export function hexColour(text: string): string {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])([0-9a-f])?$/i.exec(text.trim());
  if (short)
    return `#${short
      .slice(1)
      .map((digit) => (digit ?? '').repeat(2))
      .join('')}`;
  const found = /^rgba?\((\d+)[, ]+(\d+)[, ]+(\d+)(?:[,/ ]+([\d.]+))?\)$/.exec(text.trim());
  if (!found) return text.trim();
  const [, r, g, b, a] = found;
  const alpha = a === undefined ? '' : hex(Number(a) * 255);
  return `#${hex(Number(r))}${hex(Number(g))}${hex(Number(b))}${alpha}`;
}

export function themeOf(base: 'vs' | 'vs-dark', token: Token): editor.IStandaloneThemeData {
  const plain = (name: string): string => token(name).replace('#', '');
  return {
    base,
    inherit: true,
    rules: [
      { token: '', foreground: plain('--text') },
      { token: 'comment', foreground: plain('--text2'), fontStyle: 'italic' },
      { token: 'keyword', foreground: plain('--transform') },
      { token: 'string', foreground: plain('--trainable') },
      { token: 'string.key.json', foreground: plain('--focus') },
      { token: 'string.value.json', foreground: plain('--trainable') },
      { token: 'number', foreground: plain('--data') },
      { token: 'type', foreground: plain('--affine') },
      { token: 'type.identifier', foreground: plain('--affine') },
      { token: 'tag', foreground: plain('--kv') },
      { token: 'delimiter', foreground: plain('--text2') },
      { token: 'invalid', foreground: plain('--error') },
    ],
    colors: {
      'editor.background': token('--surface'),
      'editor.foreground': token('--text'),
      'editorLineNumber.foreground': token('--disabled'),
      'editorLineNumber.activeForeground': token('--text'),
      'editorGutter.background': token('--surface'),
      'editor.lineHighlightBackground': token('--hover'),
      'editor.lineHighlightBorder': '#00000000',
      'editor.selectionBackground': `${token('--focus')}40`,
      'editor.inactiveSelectionBackground': `${token('--focus')}26`,
      'editorCursor.foreground': token('--focus'),
      'editorIndentGuide.background1': token('--hairline'),
      'editorIndentGuide.activeBackground1': token('--border'),
      'editorBracketMatch.border': token('--border'),
      'editorBracketMatch.background': token('--hover'),
      'editorError.foreground': token('--error'),
      'editorWarning.foreground': token('--data'),
      'editorInfo.foreground': token('--focus'),
      'editorWidget.background': token('--surface'),
      'editorWidget.border': token('--hairline'),
      'editorHoverWidget.background': token('--surface'),
      'editorHoverWidget.border': token('--hairline'),
      'editorSuggestWidget.background': token('--surface'),
      'editorSuggestWidget.border': token('--hairline'),
      'editorSuggestWidget.selectedBackground': token('--tint-focus'),
      'editorSuggestWidget.selectedForeground': token('--text'),
      'editorSuggestWidget.highlightForeground': token('--focus'),
      'editorSuggestWidget.focusHighlightForeground': token('--focus'),
      'scrollbarSlider.background': `${token('--border')}59`,
      'scrollbarSlider.hoverBackground': `${token('--border')}8c`,
      'scrollbarSlider.activeBackground': `${token('--border')}b3`,
      'minimap.background': token('--surface'),
      'editorOverviewRuler.border': '#00000000',
      'input.background': token('--raised'),
      'input.border': token('--border'),
      'input.foreground': token('--text'),
      focusBorder: token('--focus'),
    },
  };
}
