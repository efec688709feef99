/** Levels of detail: what is drawn at which zoom. */
export type Detail = 'full' | 'title' | 'box' | 'far';

export const detailAt = (zoom: number): Detail =>
  zoom >= 0.75 ? 'full' : zoom >= 0.4 ? 'title' : zoom >= 0.15 ? 'box' : 'far';

/** From this number of nodes on, those outside the window are not mounted. */
export const CULL_FROM = 300;
