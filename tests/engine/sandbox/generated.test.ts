/** What is made ahead of time for custom nodes is what its sources make now, and the template works as it is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import ts from 'typescript';
import { sandboxText } from '../../../build/nodeTypes.mjs';
import { root } from '../../../build/setup.mjs';
import { compileSource } from '../../../engine/sandbox/compileSource.ts';
import { CustomNodes } from '../../../engine/sandbox/customNodes.ts';
import { nodeApiTypes, TEMPLATE } from '../../../engine/sandbox/nodeApi.ts';
import { trySource } from '../../../engine/sandbox/trial.ts';
import { BOTTLENECK, LORA } from './twinNodes.ts';

const custom = new CustomNodes({ folder: join(root, 'no-such-folder'), trusted: () => [] });
afterAll(() => custom.close());

it('the generated file is what "node build/nodeTypes.mjs" writes', async () => {
  expect(readFileSync(join(root, 'engine/sandbox/generated/sandbox.json'), 'utf8')).toBe(await sandboxText());
}, 120_000);

/** What the TypeScript of the editor would say of a source, with the declaration files that it is given. */
function typeErrors(source: string): readonly string[] {
  const files = new Map<string, string>([['/node.ts', source]]);
  for (const [path, text] of Object.entries(nodeApiTypes())) files.set(`/node_modules/espalier/${path}`, text);
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const disk = ts.createCompilerHost(options);
  host.readFile = (path) => files.get(path) ?? disk.readFile(path);
  host.fileExists = (path) => files.has(path) || disk.fileExists(path);
  host.directoryExists = (path) => path.startsWith('/node_modules') || (disk.directoryExists?.(path) ?? true);
  host.getSourceFile = (path, ...rest) => {
    const text = files.get(path);
    return text === undefined
      ? disk.getSourceFile(path, ...rest)
      : ts.createSourceFile(path, text, ts.ScriptTarget.ES2022);
  };
  const program = ts.createProgram(['/node.ts'], options, host);
  return ts.getPreEmitDiagnostics(program).map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' '));
}

it('the template and the twins have no type errors, and a mistake has one', () => {
  expect(typeErrors(TEMPLATE)).toEqual([]);
  expect(typeErrors(BOTTLENECK)).toEqual([]);
  expect(typeErrors(LORA)).toEqual([]);
  expect(typeErrors(TEMPLATE.replace("inputs.tensor('x')", 'inputs.tensr()'))).toHaveLength(1);
}, 120_000);

it('the template makes a module that starts as the identity', () => {
  const source = TEMPLATE.replaceAll('NAME', 'gated').replaceAll('TITLE', 'Gated');
  const { info, trial, diagnostics } = trySource(custom, 'gated', source, {});
  expect(diagnostics).toEqual([]);
  expect(info).toMatchObject({ type: 'custom.gated', title: 'Gated', peft: { startPoint: 'identity' } });
  expect(trial?.outputs).toEqual({ delta: 'f32[B,T,384]' });
  expect(trial?.parameters.map((p) => [p.name, p.count])).toEqual([
    ['down.weight', 32 * 384],
    ['down.bias', 32],
    ['up.weight', 384 * 32],
    ['gate', 384],
  ]);
  expect(trySource(custom, 'gated', source, { size: 8 }).trial?.parameters[1]?.count).toBe(8);
});

it('an error names the line of the source, though types and comments were removed before', () => {
  const lines = TEMPLATE.replaceAll('NAME', 'gated').replaceAll('TITLE', 'Gated').split('\n');
  const at = lines.findIndex((l) => l.includes("inputs.tensor('x')"));
  lines.splice(at, 0, '    interface Unused { readonly a: number }', "    throw new Error('Not today');");
  const { diagnostics } = trySource(custom, 'gated', lines.join('\n'), {});
  expect(diagnostics).toMatchObject([{ code: 'custom-node-failed', message: 'Not today.', where: { row: at + 2 } }]);
  const broken = compileSource('x.ts', 'const a = 1;\n\nconst = 2;\n');
  expect(broken).toMatchObject({ ok: false, error: [{ code: 'custom-node-syntax', line: 3 }] });
});

it('shapes that do not fit are refused at the node, with the words of the operation', () => {
  const source = TEMPLATE.replaceAll('NAME', 'gated').replace(', up, { transposeB: true }', ', up');
  const { diagnostics } = trySource(custom, 'gated', source, {});
  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0]?.message).toMatch(/matmul/);
  expect(diagnostics[0]?.where.row).toBeGreaterThan(40);
});
