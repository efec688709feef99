/** The desktop shell around the page; missing in a browser. */
import type { Shell } from '../../engine/protocol/api/shell.ts';

export const findShell = (): Shell | undefined => (globalThis as { readonly espalier?: Shell }).espalier;
