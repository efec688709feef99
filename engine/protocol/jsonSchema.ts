/**
 * The JSON Schema of saved documents, generated from the zod schemas for editors and other programs. It says what a file
 * may hold; what cannot be said in JSON Schema (paths, references, ranges of layers) is checked on reading.
 */
import { z } from 'zod';
import {
  DOCUMENT_VERSION,
  bankSchema,
  documentSchema,
  edgeSchema,
  graphSchema,
  nodeSchema,
  paramsSchema,
  recipeSchema,
  stackSchema,
  workflowNodeSchema,
  workflowSchema,
} from './schema.ts';

/** Names of the definitions; the registry is made anew for each call, so nothing global is written. */
function definitionNames(): z.core.$ZodRegistry<{ id: string }> {
  const names = z.registry<{ id: string }>();
  names.add(bankSchema, { id: 'bank' });
  names.add(edgeSchema, { id: 'edge' });
  names.add(graphSchema, { id: 'graph' });
  names.add(nodeSchema, { id: 'node' });
  names.add(paramsSchema, { id: 'params' });
  names.add(recipeSchema, { id: 'recipe' });
  names.add(stackSchema, { id: 'stack' });
  names.add(workflowNodeSchema, { id: 'step' });
  names.add(workflowSchema, { id: 'workflow' });
  return names;
}

/** JSON Schema, draft 2020-12, of what may stand in a file. */
export function documentJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(documentSchema, {
    io: 'input',
    target: 'draft-2020-12',
    metadata: definitionNames(),
    override: ({ jsonSchema }) => {
      // `raw` belongs to the program only: the reader fills it for nodes of unknown types.
      if (jsonSchema.properties !== undefined) delete jsonSchema.properties['raw'];
    },
  });
  return { $schema: schema.$schema, title: `Espalier document, version ${DOCUMENT_VERSION}`, ...schema };
}

/** The text of the generated file. */
export const documentJsonSchemaText = (): string => `${JSON.stringify(documentJsonSchema(), null, 2)}\n`;

/** The generated file's name inside `generated/`. */
export const JSON_SCHEMA_FILE = `document-${DOCUMENT_VERSION}.schema.json`;
