/** Modules by taxonomy, to be dragged onto the canvas; slides out of the rail. */
export function ModulePalette() {
  return null;
}
