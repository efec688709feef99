/** Texts that a trained model answers. */
export function TryPanel() {
  return null;
}
