/**
 * Writes engine/sandbox/generated/sandbox.json: what of custom nodes is made ahead of time. `machine` is the node API with
 * its tracer, bundled for the virtual machine; `worker` is the thread that runs the machine; `types` are the declaration
 * files of the node API for editors. A test fails while the file is not what this script would write. Run it after a
 * change of engine/ir, engine/ops, engine/tracing, engine/nodekit or engine/sandbox.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { build } from 'esbuild';
import ts from 'typescript';
import { root, runMain } from './setup.mjs';

const OUT = 'engine/sandbox/generated/sandbox.json';
const API = 'engine/sandbox/vm/api.ts';

/** @param {string} entry @param {import('esbuild').BuildOptions} options */
async function bundled(entry, options) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    legalComments: 'none',
    target: 'es2022',
    // Names stay as they are, so that the stack of an error in a node can be read; comments and layout go.
    minifyWhitespace: false,
    charset: 'ascii',
    ...options,
  });
  // esbuild names the files in comments; without them the text does not depend on where a file lies.
  return (result.outputFiles?.[0]?.text ?? '')
    .split('\n')
    .filter((line) => !/^\s*\/\/ /.test(line))
    .map((line) => line.trimEnd());
}

/** Declaration files of the API and of what it names, by their paths. */
function declarations() {
  /** @type {Record<string, string[]>} */
  const files = {};
  const program = ts.createProgram([join(root, API)], {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    declaration: true,
    emitDeclarationOnly: true,
    noEmitOnError: true,
    skipLibCheck: true,
    rootDir: root,
    outDir: root,
    newLine: ts.NewLineKind.LineFeed,
  });
  const { diagnostics } = program.emit(undefined, (name, text) => {
    const path = relative(root, name).split(sep).join(posix.sep);
    files[path] = text.replace(/(from\s+|import\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3$2').split('\n');
  });
  if (diagnostics.length > 0)
    throw new Error(
      ts.formatDiagnostics(diagnostics, {
        getCanonicalFileName: (f) => f,
        getCurrentDirectory: () => root,
        getNewLine: () => '\n',
      }),
    );
  const needed = new Set([API.replace(/\.ts$/, '.d.ts')]);
  for (const file of needed) {
    for (const [, to = ''] of (files[file] ?? []).join('\n').matchAll(/from\s+['"](\.[^'"]+)['"]/g))
      needed.add(`${posix.join(posix.dirname(file), to)}.d.ts`);
  }
  return Object.fromEntries([...needed].sort().map((file) => [file, files[file]]));
}

/** The text of the generated file; lists of lines, so that changes can be read. */
export async function sandboxText() {
  const machine = await bundled('engine/sandbox/vm/main.ts', { format: 'iife', platform: 'neutral' });
  const worker = await bundled('engine/sandbox/worker.ts', {
    format: 'cjs',
    platform: 'node',
    packages: 'external',
  });
  return `${JSON.stringify({ machine, worker, types: declarations() }, null, 1)}\n`;
}

if (process.argv[1]?.endsWith('nodeTypes.mjs'))
  await runMain(async () => {
    mkdirSync(join(root, 'engine/sandbox/generated'), { recursive: true });
    writeFileSync(join(root, OUT), await sandboxText());
    return 0;
  });
