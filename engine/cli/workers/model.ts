/** `espalier worker model`: works with trained models and drafts for the service, in a process that it may kill. */
import type { Command } from 'commander';
import { espalierHome } from '../../checkpoints/home.ts';
import { modelOperations } from '../../service/runs/worker/answer.ts';
import type { CommandContext } from '../context.ts';
import { serveOperations } from './serve.ts';

export function modelWorkerCommand(worker: Command, context: CommandContext): void {
  worker.command('model').action(() => serveOperations(modelOperations(context.toolkit, espalierHome()), context));
}
