import type { Command } from 'commander';
export function exportCommand(program: Command): void {
  void program;
}
