/** Tells by an attribute of the page whether the person goes by keyboard or by pointer; focus rings depend on it. */
export function watchModality(root: HTMLElement): () => void {
  const set = (modality: 'keyboard' | 'pointer'): void => {
    if (root.dataset['modality'] !== modality) root.dataset['modality'] = modality;
  };
  const onKey = (event: KeyboardEvent): void => {
    if (!['Control', 'Shift', 'Alt', 'Meta'].includes(event.key)) set('keyboard');
  };
  const onPointer = (): void => set('pointer');
  set('pointer');
  addEventListener('keydown', onKey, true);
  addEventListener('pointerdown', onPointer, true);
  return () => {
    removeEventListener('keydown', onKey, true);
    removeEventListener('pointerdown', onPointer, true);
  };
}
