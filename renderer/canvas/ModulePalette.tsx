/** Modules by taxonomy, to be dragged onto the canvas; slides out of the rail. */
import { ModuleList } from './palette/ModuleList.tsx';

export function ModulePalette() {
  return <ModuleList />;
}
