/**
 * What an extension touches, counted on a scratch copy: a new op and a new node change exactly the files that
 * ARCHITECTURE.md names, the compiler guides to each of them, and what was added runs.
 */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
let scratch = '';

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'espalier-extension-'));
  for (const name of ['engine', 'nodes', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(scratch, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function insert(file: string, before: string, text: string): void {
  const path = join(scratch, file);
  const old = readFileSync(path, 'utf8');
  if (!old.includes(before)) throw new Error(`${file} has no "${before}"`);
  writeFileSync(path, old.replace(before, `${text}${before}`));
}

/** Files with type errors, relative to the scratch copy. */
function filesWithErrors(): string[] {
  try {
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', scratch, '--incremental', 'false'],
      { cwd: scratch, encoding: 'utf8' },
    );
    return [];
  } catch (error) {
    const output = (error as { stdout: string }).stdout;
    return [...new Set([...output.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map((m) => m[1] as string))].sort();
  }
}

function* files(folder: string): Generator<string> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* files(path);
    else yield path;
  }
}

/** Files of the scratch copy that differ from the project. */
function changedFiles(): string[] {
  const changed: string[] = [];
  for (const top of ['engine', 'nodes']) {
    for (const path of files(join(scratch, top))) {
      const name = relative(scratch, path);
      let original: string | undefined;
      try {
        original = readFileSync(join(root, name), 'utf8');
      } catch {
        original = undefined;
      }
      if (original !== readFileSync(path, 'utf8')) changed.push(name);
    }
  }
  return changed.sort();
}

/** The files that ARCHITECTURE.md names for adding something. */
function promised(what: string): string[] {
  const row = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    .split('\n')
    .find((l) => l.startsWith(`| ${what} |`));
  if (row === undefined) throw new Error(`ARCHITECTURE.md has no row "${what}"`);
  return [...row.matchAll(/`([^`]+)`/g)].map((m) => m[1] as string);
}

test('an op: its attributes, its rule, and one row in every total table', { timeout: 300_000 }, async () => {
  insert('engine/ir/opAttrs.ts', '  cos: None;', '  cube: None;\n');
  insert('engine/ops/unary.ts', "  | 'gelu';", "  | 'cube'\n");
  appendFileSync(
    join(scratch, 'engine/ops/unary.ts'),
    "\nexport const cubeRule = unary('cube', 'x^3', (x) => x * x * x, (x) => mul(mul(x, x), 3));\n",
  );
  const tables = {
    'engine/ops/table.ts': ['  cos: unary.cosRule,', '  cube: unary.cubeRule,\n'],
    'engine/backends/onnx/table.ts': ['  cos: elementwise.lowerCos,', "  cube: 'decompose',\n"],
    'engine/backends/torch/ops.ts': ["  cos: torch('cos'),", "  cube: torch('cube'),\n"],
    'engine/backends/torch/hints.ts': ["  and: 'mask',", "  cube: 'operand',\n"],
  } as const;
  expect(filesWithErrors()).toEqual(Object.keys(tables).sort());
  for (const [file, [before, text]] of Object.entries(tables)) insert(file, before, text);
  expect(filesWithErrors()).toEqual([]);
  const fixed = promised('an op').map((f) => (f.endsWith('/') ? 'engine/ops/unary.ts' : f));
  expect(changedFiles()).toEqual([...fixed].sort());
  const { OPS } = (await import(pathToFileURL(join(scratch, 'engine/ops/table.ts')).href)) as {
    OPS: Record<string, { reference(a: unknown, i: unknown[], b: unknown): { data: Float64Array }[] }>;
  };
  const x = { dtype: 'f32', shape: [2], data: Float64Array.of(2, -3) };
  expect([...(OPS['cube']?.reference({}, [x], new Map())[0]?.data ?? [])]).toEqual([8, -27]);
});

test('a node: its file and one line in the list', { timeout: 300_000 }, async () => {
  const before = changedFiles();
  const source = `/** Doubles a tensor. */
import { mul } from '../../engine/ir/build.ts';
import { defineNode, tensor } from '../../engine/nodekit/node.ts';

export const double = defineNode({
  type: 'compose.double', version: 1, docs: { title: 'Double', family: 'composition', help: 'Twice the input.' },
  inputs: { x: { kind: 'tensor', doc: 'tensor' } }, outputs: { y: { kind: 'tensor', doc: 'twice' } }, params: {},
  bypass: { kind: 'pass', from: { y: 'x' } }, build: ({ inputs }) => ({ y: tensor(mul(inputs.tensor('x'), 2)) }),
});
`;
  writeFileSync(join(scratch, 'nodes/adapters/double.ts'), source);
  insert(
    'nodes/index.ts',
    "import { dora, lora } from './adapters/lora.ts';",
    "import { double } from './adapters/double.ts';\n",
  );
  insert('nodes/index.ts', '] as const;', '  double,\n');
  expect(filesWithErrors()).toEqual([]);
  const touched = changedFiles().filter((f) => !before.includes(f));
  expect(touched).toEqual(['nodes/adapters/double.ts', 'nodes/index.ts']);
  expect(promised('a node')).toEqual(['nodes/<group>/<name>.ts', 'nodes/index.ts']);
  const { NODES } = (await import(pathToFileURL(join(scratch, 'nodes/index.ts')).href)) as {
    NODES: readonly { type: string }[];
  };
  expect(NODES.some((n) => n.type === 'compose.double')).toBe(true);
});
