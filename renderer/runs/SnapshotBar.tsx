/** Says that a run trains an earlier graph than the one that is shown. */
export function SnapshotBar() {
  return null;
}
