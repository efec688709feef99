/** Theme and size of the page: those of the settings, and before these are known what was shown last time. */
import { useEffect } from 'react';
import type { Settings } from '../../engine/protocol/api/app.ts';
import { useEditorState, type EditorState } from '../state/editor.ts';
import { recall, remember } from './remember.ts';

export type Theme = 'light' | 'dark';

const dark = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)');

export const themeOf = (choice: Settings['theme']): Theme =>
  choice === 'system' ? (dark().matches ? 'dark' : 'light') : choice;

const lastTheme = (): Settings['theme'] => {
  const known = recall('theme');
  return known === 'light' || known === 'dark' ? known : 'system';
};
const lastZoom = (): number => Number(recall('zoom')) || 1;

const showTheme = (choice: Settings['theme']): void => {
  document.documentElement.dataset['theme'] = themeOf(choice);
};
const showZoom = (zoom: number): void => {
  document.documentElement.style.setProperty('--ui-zoom', String(zoom));
};

/** Before anything is drawn, so that nothing flashes. */
export function applyFirstLook(): void {
  showTheme(lastTheme());
  showZoom(lastZoom());
}

/** The size of the interface; 1 is its actual size. */
export const zoomOf = ({ settings }: Pick<EditorState, 'settings'>): number => settings?.zoom ?? lastZoom();
export const useZoom = (): number => useEditorState(zoomOf);

export function useLook(): void {
  const choice = useEditorState((s) => s.settings?.theme) ?? lastTheme();
  const zoom = useZoom();
  useEffect(() => {
    const apply = (): void => showTheme(choice);
    apply();
    remember('theme', choice);
    const media = dark();
    // Old engines have the older name alone.
    if (typeof media.addEventListener !== 'function') return undefined;
    media.addEventListener('change', apply);
    return () => media.removeEventListener('change', apply);
  }, [choice]);
  useEffect(() => {
    showZoom(zoom);
    remember('zoom', String(zoom));
  }, [zoom]);
}
