/** Layers by sites: which module is where, with figures. */
export function MatrixView() {
  return null;
}
