/** Rows of the data and what was found about them. */
export function DataPanel() {
  return null;
}
