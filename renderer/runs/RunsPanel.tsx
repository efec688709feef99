/** All runs, and the comparison of some. */
export function RunsPanel() {
  return null;
}
