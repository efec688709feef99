/** What a run said. */
export function LogPanel() {
  return null;
}
