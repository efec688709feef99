/** The import checker on small projects: what it lets pass and what it refuses, with the place and the reason. */
import { describe, expect, it } from 'vitest';
import { checkLayers } from '../../build/layers.mjs';
import { readImports } from '../../build/imports.mjs';
import { scratch } from './scratch.ts';

/** Files that exist so that they can be imported; each is accepted by itself. */
const targets: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'engine/base/errors.ts',
    'engine/protocol/ids.ts',
    'engine/ir/shape.ts',
    'engine/ops/matmul.ts',
    'engine/tracing/trace.ts',
    'engine/autodiff/reverse.ts',
    'engine/passes/cse.ts',
    'engine/backends/index.ts',
    'engine/backends/onnx/run.ts',
    'engine/backends/reference/run.ts',
    'engine/checkpoints/npy.ts',
    'engine/data/csv.ts',
    'engine/nodekit/node.ts',
    'engine/compile/compile.ts',
    'engine/trainer/loop.ts',
    'engine/service/handlers.ts',
    'engine/cli/run.ts',
    'nodes/index.ts',
    'nodes/adapters/lora.ts',
    'renderer/main.tsx',
    'electron/main.ts',
    'tests/helper.ts',
    'build/tool.mjs',
  ].map((path) => [path, 'export const x = 1;\n']),
);

/** Messages of the checker for one file, with `line:` in front. */
function problemsOf(file: string, text: string, more: Readonly<Record<string, string>> = {}): string[] {
  const { problems } = checkLayers(scratch({ ...targets, ...more, [file]: text }));
  return problems.map((p) => `${p.file}:${p.line}: ${p.message}`);
}

function importOf(from: string, to: string): string {
  return `import { x } from '${'../'.repeat(from.split('/').length - 1)}${to}';\nexport const y = x;\n`;
}

describe('accepted imports', () => {
  it.each([
    ['engine/ir/print.ts', 'engine/base/errors.ts'],
    ['engine/ir/print.ts', 'engine/ir/shape.ts'],
    ['engine/cli/main.ts', 'engine/service/handlers.ts'],
    ['engine/cli/main.ts', 'nodes/index.ts'],
    ['engine/backends/onnx/lower.ts', 'engine/backends/index.ts'],
    ['engine/backends/onnx/lower.ts', 'engine/backends/onnx/run.ts'],
    ['engine/backends/onnx/lower.ts', 'engine/ops/matmul.ts'],
    ['engine/compile/lower.ts', 'engine/nodekit/node.ts'],
    ['nodes/adapters/dora.ts', 'nodes/adapters/lora.ts'],
    ['nodes/adapters/dora.ts', 'engine/nodekit/node.ts'],
    ['nodes/adapters/dora.ts', 'engine/ops/matmul.ts'],
    ['nodes/adapters/dora.ts', 'engine/tracing/trace.ts'],
    ['nodes/adapters/dora.ts', 'engine/ir/shape.ts'],
    ['nodes/adapters/dora.ts', 'engine/base/errors.ts'],
    ['nodes/a.ts', 'engine/protocol/ids.ts'],
    ['renderer/panel.tsx', 'engine/protocol/ids.ts'],
    ['renderer/panel.tsx', 'engine/base/errors.ts'],
    ['electron/windows.ts', 'engine/protocol/ids.ts'],
    ['electron/engineHost.ts', 'engine/service/handlers.ts'],
    ['electron/engineHost.ts', 'engine/backends/onnx/run.ts'],
    ['electron/engineHost.ts', 'nodes/index.ts'],
    ['tests/engine/a.test.ts', 'engine/trainer/loop.ts'],
    ['tests/engine/a.test.ts', 'tests/helper.ts'],
    ['tests/engine/a.test.ts', 'build/tool.mjs'],
    ['build/docs.mjs', 'nodes/index.ts'],
  ])('%s -> %s', (from, to) => {
    expect(problemsOf(from, importOf(from, to))).toEqual([]);
  });

  it('lets the engine use Node and the packages of package.json', () => {
    const text = `import 'node:fs';\nimport { z } from 'zod';\nimport type { T } from '@types/x/deep';\nexport const y = z;\n`;
    const manifest = JSON.stringify({ dependencies: { zod: '1' }, devDependencies: { '@types/x': '1' } });
    expect(problemsOf('engine/data/a.ts', text, { 'package.json': manifest })).toEqual([]);
  });
});

describe('refused imports', () => {
  it.each([
    ['engine/base/a.ts', 'engine/protocol/ids.ts', 'upwards'],
    ['engine/ops/a.ts', 'engine/tracing/trace.ts', 'upwards'],
    ['engine/autodiff/a.ts', 'engine/passes/cse.ts', 'sideways'],
    ['engine/data/a.ts', 'engine/checkpoints/npy.ts', 'sideways'],
    ['engine/data/a.ts', 'engine/backends/index.ts', 'sideways'],
    ['engine/trainer/a.ts', 'engine/cli/run.ts', 'upwards'],
    ['engine/backends/onnx/a.ts', 'engine/backends/reference/run.ts', 'a backend never imports another backend'],
    ['engine/backends/a.ts', 'engine/backends/onnx/run.ts', 'the shared files of engine/backends import no backend'],
    ['engine/compile/a.ts', 'nodes/index.ts', 'engine never imports nodes'],
    ['engine/cli/a.ts', 'nodes/adapters/lora.ts', 'engine never imports nodes'],
    ['engine/base/a.ts', 'renderer/main.tsx', 'engine never imports renderer'],
    ['engine/base/a.ts', 'electron/main.ts', 'engine never imports electron'],
    ['engine/base/a.ts', 'tests/helper.ts', 'engine never imports tests'],
    ['engine/base/a.ts', 'build/tool.mjs', 'engine never imports build'],
    ['nodes/a.ts', 'engine/compile/compile.ts', 'nodes may import only engine/nodekit'],
    ['nodes/a.ts', 'engine/backends/index.ts', 'nodes may import only engine/nodekit'],
    ['nodes/a.ts', 'tests/helper.ts', 'nodes may import only engine/nodekit'],
    ['renderer/a.tsx', 'engine/ir/shape.ts', 'renderer may import only engine/protocol, engine/base'],
    ['renderer/a.tsx', 'nodes/index.ts', 'renderer may import only'],
    ['electron/a.ts', 'engine/service/handlers.ts', 'electron may import only'],
    ['electron/a.ts', 'nodes/index.ts', 'electron may import only'],
    ['electron/engineHost.ts', 'engine/trainer/loop.ts', 'electron may import only'],
    ['build/a.mjs', 'tests/helper.ts', 'build may import only'],
  ])('%s -> %s', (from, to, reason) => {
    const problems = problemsOf(from, importOf(from, to));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${from}:1: imports ${to}`);
    expect(problems[0]).toContain(reason);
  });

  it.each([
    [`import { x } from '../trainer/loop.ts';`, 'static'],
    [`import type { x } from '../trainer/loop.ts';`, 'type'],
    [`export { x } from '../trainer/loop.ts';`, 're-export'],
    [`export * from '../trainer/loop.ts';`, 'star re-export'],
    [`import '../trainer/loop.ts';`, 'bare'],
    [`export const f = async () => await import('../trainer/loop.ts');`, 'dynamic'],
    [`export const f = () => require('../trainer/loop.ts');`, 'require'],
    [`export type T = import('../trainer/loop.ts').T;`, 'import type'],
    [`import x = require('../trainer/loop.ts');`, 'import equals'],
    [`/// <reference path="../trainer/loop.ts" />`, 'reference'],
  ])('sees %s (%s)', (text) => {
    expect(problemsOf('engine/ir/a.ts', `${text}\nconst s = "import '../no.ts'";\n`).join('\n')).toContain('upwards');
  });

  it('gives the line and does not read comments or strings as imports', () => {
    const text = `// import '../trainer/loop.ts';\nconst s = \`import '../trainer/loop.ts'\`;\n\nimport '../cli/run.ts';\n`;
    expect(problemsOf('engine/ir/a.ts', text)).toEqual([
      expect.stringContaining('engine/ir/a.ts:4: imports engine/cli/run.ts'),
    ]);
  });

  it.each([
    ['nodes/a.ts', `import 'node:fs';`, 'does no input or output'],
    ['nodes/a.ts', `import 'fs';`, 'does no input or output'],
    ['nodes/a.ts', `import 'zod';`, 'imports none'],
    ['renderer/a.ts', `import 'node:path';`, 'does no input or output'],
    ['engine/ir/a.ts', `import './shape';`, 'with its extension'],
    ['engine/ir/a.ts', `import '/etc/x.ts';`, 'absolute path'],
    ['engine/ir/a.ts', `import '../../../x.ts';`, 'outside the project'],
    ['engine/ir/a.ts', `import '#ir';`, 'alias'],
    ['engine/ir/a.ts', `export const f = (n: string) => import(n);`, 'computed name'],
  ])('%s: %s', (file, text, reason) => {
    expect(problemsOf(file, `${text}\n`)).toEqual([expect.stringContaining(reason)]);
  });

  it('refuses packages that are not installed with the product', () => {
    const manifest = JSON.stringify({ dependencies: { zod: '1' }, devDependencies: { vitest: '1' } });
    const text = `import 'vitest';\nimport '@a/b/c';\n`;
    expect(problemsOf('engine/data/a.ts', text, { 'package.json': manifest })).toEqual([
      expect.stringContaining('a.ts:1: imports the package vitest'),
      expect.stringContaining('a.ts:2: imports the package @a/b'),
    ]);
  });

  it('refuses a folder of the engine without a layer, and files directly in engine', () => {
    expect(problemsOf('engine/util/a.ts', '')).toEqual([expect.stringContaining('engine/util, which has no layer')]);
    expect(problemsOf('engine/a.ts', '')).toEqual([expect.stringContaining('directly in engine/')]);
  });

  it("refuses Node's modules behind what a browser window loads, but not behind types", () => {
    const more = {
      'engine/base/durable.ts': `import 'node:fs';\nexport type D = 1;\n`,
      'engine/base/hash.ts': `import './durable.ts';\n`,
    };
    expect(problemsOf('engine/protocol/a.ts', `import type { D } from '../base/durable.ts';\n`, more)).toEqual([]);
    expect(problemsOf('engine/protocol/a.ts', `\nimport '../base/hash.ts';\n`, more)).toEqual([
      expect.stringContaining(
        "engine/protocol/a.ts:2: runs in a browser window but loads one of Node's modules: " +
          'engine/protocol/a.ts -> engine/base/hash.ts -> engine/base/durable.ts -> node:fs',
      ),
    ]);
  });
});

describe('import circles', () => {
  it('are told once, with a shortest way round', () => {
    const more = {
      'engine/ir/a.ts': `import './b.ts';\n`,
      'engine/ir/b.ts': `import './c.ts';\nimport './d.ts';\n`,
      'engine/ir/d.ts': `import './b.ts';\n`,
    };
    expect(problemsOf('engine/ir/c.ts', `export * from './a.ts';\n`, more)).toEqual([
      expect.stringContaining('engine/ir/a.ts -> engine/ir/b.ts -> engine/ir/c.ts -> engine/ir/a.ts'),
      expect.stringContaining('engine/ir/d.ts -> engine/ir/b.ts -> engine/ir/d.ts'),
    ]);
  });

  it('of one file count, late imports too', () => {
    expect(problemsOf('engine/ir/a.ts', `import './a.ts';\n`)).toEqual([expect.stringContaining('circle')]);
    const late = { 'engine/ir/b.ts': `export const f = () => import('./a.ts');\n` };
    expect(problemsOf('engine/ir/a.ts', `import './b.ts';\n`, late)).toEqual([expect.stringContaining('circle')]);
  });

  it('are not made by type-only imports', () => {
    const more = { 'engine/ir/b.ts': `import type { A } from './a.ts';\nexport type B = A;\n` };
    expect(problemsOf('engine/ir/a.ts', `import './b.ts';\nexport type A = 1;\n`, more)).toEqual([]);
  });
});

describe('readImports', () => {
  it('tells type-only imports from those that stay at run time', () => {
    const text = [
      `import type { A } from './a.ts';`,
      `import { type B } from './b.ts';`,
      `export type { C } from './c.ts';`,
      `import d from './d.json' with { type: 'json' };`,
    ].join('\n');
    expect(readImports('x.ts', text)).toEqual([
      { specifier: './a.ts', line: 1, typeOnly: true },
      { specifier: './b.ts', line: 2, typeOnly: false },
      { specifier: './c.ts', line: 3, typeOnly: true },
      { specifier: './d.json', line: 4, typeOnly: false },
    ]);
  });
});
