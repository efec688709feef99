/** `espalier nodes`: the node types, methods and workflow steps that there are. */
import type { Command } from 'commander';
import { PRESETS } from '../../nodes/index.ts';
import type { AnyNode } from '../nodekit/node.ts';
import { STEP_TYPES, type StepType } from '../workflow/stepTypes.ts';
import { jsonLine, line, tableText, type CommandContext } from './context.ts';

export function nodesCommand(program: Command, context: CommandContext): void {
  program
    .command('nodes')
    .description('list node types, methods and workflow steps')
    .option('--json', 'as one JSON object, with parameters and ports')
    .action((options: { json?: boolean }) => {
      const { all } = context.toolkit.registry;
      if (options.json) {
        const methods = PRESETS.map(({ name, title, help, params, bank }) => ({
          name,
          title,
          help,
          params,
          bank: bank === true,
        }));
        const steps: readonly StepType[] = STEP_TYPES;
        line(context.out, jsonLine({ nodes: all.map(nodeFacts), methods, steps }));
        return;
      }
      const print = (title: string, rows: readonly (readonly string[])[]): void => {
        line(context.out, `${title}\n${tableText(['name', 'what it does'], rows, [0, 1])}\n`);
      };
      print(
        'Methods (espalier new --method NAME)',
        PRESETS.map((p) => [p.name, p.help]),
      );
      print(
        'Nodes of a model',
        all.map((n) => [n.type, n.docs.help]),
      );
      print(
        'Steps of a workflow',
        STEP_TYPES.map((s) => [s.type, s.help]),
      );
    });
}

/** Everything of a definition that is data. */
function nodeFacts(node: AnyNode): unknown {
  const { type, version, docs, inputs, outputs, params, bypass, peft, bank } = node;
  return { type, version, docs, inputs, outputs, params, bypass, bank: bank === true, ...(peft ? { peft } : {}) };
}
