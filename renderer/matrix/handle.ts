/** What the matrix that is shown offers to commands. */
import type { ShowMode } from './model/heat.ts';

export type Tool = 'select' | 'paint' | 'erase';

export interface MatrixHandle {
  /** Paints the chosen cells with the brush. */
  paint(): void;
  /** Takes the modules out of the chosen cells. */
  erase(): void;
  selectAll(): void;
  /** Gives the modules of the chosen column's layer to all other layers, or to the other chosen columns. */
  copyLayer(): void;
  setTool(tool: Tool): void;
  setMode(mode: ShowMode): void;
  /** Takes a module type as the brush. */
  setBrush(type: string): void;
}
