import type { Command } from 'commander';
export function predictCommand(program: Command): void {
  void program;
}
