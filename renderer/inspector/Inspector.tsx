/** What is selected: parameters, shapes, memory, equation; the model when nothing is. */
export function Inspector() {
  return null;
}
