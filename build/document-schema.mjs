/**
 * Writes the JSON Schema of saved documents to engine/protocol/generated/, from the zod schemas. A test fails while the
 * file is not what this script would write. Run it after a change of engine/protocol/schema.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('../engine/protocol/jsonSchema.ts', import.meta.url));
const folder = new URL('../engine/protocol/generated/', import.meta.url);

// Node 20 cannot import TypeScript, so the module is bundled in memory and imported as data.
const bundle = await build({ entryPoints: [source], bundle: true, format: 'esm', platform: 'node', write: false });
const code = Buffer.concat(bundle.outputFiles.map((file) => file.contents)).toString('base64');
const { documentJsonSchemaText, JSON_SCHEMA_FILE } = await import(`data:text/javascript;base64,${code}`);

mkdirSync(folder, { recursive: true });
writeFileSync(new URL(JSON_SCHEMA_FILE, folder), documentJsonSchemaText());
