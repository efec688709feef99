/** `espalier worker data`: reads data files for the service, in a process that it may kill. */
import type { Command } from 'commander';
import { espalierHome } from '../../checkpoints/home.ts';
import { dataOperations } from '../../service/data/worker/answer.ts';
import type { CommandContext } from '../context.ts';
import { serveOperations } from './serve.ts';

export function dataWorkerCommand(worker: Command, context: CommandContext): void {
  worker.command('data').action(() => serveOperations(dataOperations(espalierHome()), context));
}
