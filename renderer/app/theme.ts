/** The theme of the page: that of the settings, or of the system. */
import { useEffect } from 'react';
import type { Settings } from '../../engine/protocol/api/app.ts';
import { recall, remember } from './remember.ts';

export type Theme = 'light' | 'dark';

const dark = (): MediaQueryList => matchMedia('(prefers-color-scheme: dark)');

export const themeOf = (choice: Settings['theme']): Theme =>
  choice === 'system' ? (dark().matches ? 'dark' : 'light') : choice;

/** Before the settings are known: what was shown last time, so that nothing flashes. */
export function applyFirstTheme(): void {
  const known = recall('theme');
  document.documentElement.dataset['theme'] = known === 'light' || known === 'dark' ? known : themeOf('system');
}

export function useTheme(choice: Settings['theme'], zoom: number): void {
  useEffect(() => {
    const apply = (): void => {
      document.documentElement.dataset['theme'] = themeOf(choice);
    };
    apply();
    remember('theme', choice);
    const media = dark();
    // Old engines have the older name alone.
    if (typeof media.addEventListener !== 'function') return undefined;
    media.addEventListener('change', apply);
    return () => media.removeEventListener('change', apply);
  }, [choice]);
  useEffect(() => {
    document.documentElement.style.setProperty('--ui-zoom', String(zoom));
  }, [zoom]);
}
