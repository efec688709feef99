/** Every command with parameters that its schema takes, so that a refusal is never the schema's. Made from the table itself. */
import { z } from 'zod';
import { COMMANDS, type CommandName } from '../../../engine/protocol/api/commands.ts';

export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

interface JsonSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly pattern?: string;
  readonly format?: string;
}

/** A small value that a schema takes. */
function sample(schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const [choice] = schema.anyOf ?? schema.oneOf ?? [];
  if (choice) return sample(choice);
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => schema.required?.includes(name))
          .map(([name, inner]) => [name, sample(inner)]),
      );
    case 'array':
      return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items ?? {}));
    case 'integer':
    case 'number':
      return Math.max(0, schema.minimum ?? 0);
    case 'boolean':
      return true;
    case 'string':
      if (schema.format === 'uri') return 'https://hub.example.org';
      if (schema.pattern?.includes('{64}') === true) return 'a'.repeat(64);
      return 'x'.repeat(Math.max(8, schema.minLength ?? 0));
    case undefined:
    default:
      return null;
  }
}

export function sampleParams(name: CommandName): unknown {
  const schema = z.toJSONSchema(COMMANDS[name].params, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const params = sample(schema);
  if (!COMMANDS[name].params.safeParse(params).success)
    throw new Error(`the sample of ${name} does not fit its schema`);
  return params;
}
