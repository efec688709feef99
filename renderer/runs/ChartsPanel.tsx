/** Curves of a run. */
export function ChartsPanel() {
  return null;
}
