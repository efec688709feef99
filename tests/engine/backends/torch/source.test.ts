/** The text of exported code: clean under ruff and mypy, one class per structure, as short as a person would write it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportTorch } from '../../../../engine/backends/torch/export.ts';
import { must } from '../../../../engine/base/errors.ts';
import { compileDocument, EXPORT_DOCUMENTS, exportDocument } from '../../../support/documents.ts';
import { oraclePython } from '../../../support/oracle.ts';
import { compare, expected, inspectFiles, newFolder, runCases, writeCase, type Inspected } from './harness.ts';

const folder = newFolder();
const root = fileURLToPath(new URL('../../../..', import.meta.url));
const golden = (name: string): string => join(root, 'tests', 'golden', 'torch', name);
const NAMES = EXPORT_DOCUMENTS.map((d) => d.name);
const fileOf = (name: string): string => join(folder, name, 'model.py');
const inspected = new Map<string, Inspected>();

beforeAll(() => {
  for (const { name, document } of EXPORT_DOCUMENTS) exportTorch(compileDocument(document, true), join(folder, name));
  inspectFiles(NAMES.map(fileOf)).forEach((found, i) => inspected.set(must(NAMES[i], 'a name'), found));
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function runTool(args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const done = spawnSync(oraclePython(), ['-m', ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  return { status: done.status, output: done.stdout + done.stderr };
}

/** mypy wants one module name per file. */
function flatCopies(): string[] {
  const flat = join(folder, 'flat');
  mkdirSync(flat, { recursive: true });
  return NAMES.map((name) => {
    const path = join(flat, `${name}.py`);
    writeFileSync(path, readFileSync(fileOf(name)));
    return path;
  });
}

describe('tools', () => {
  test('ruff finds nothing, by its default rules and by more', () => {
    for (const rules of [[], ['--select', 'E,F,I,N,UP,B']]) {
      const found = runTool(['ruff', 'check', '--isolated', '--no-cache', ...rules, ...NAMES.map(fileOf)]);
      expect(found.output).toContain('All checks passed!');
    }
  });

  test('ruff would format nothing otherwise', () => {
    expect(runTool(['ruff', 'format', '--isolated', '--no-cache', '--diff', ...NAMES.map(fileOf)]).status).toBe(0);
  });

  // PyTorch declares the result of a module as Any, and `unflatten` without types.
  test('mypy finds nothing in its strict mode, apart from what PyTorch leaves open', () => {
    const options = ['--strict', '--no-warn-return-any', '--allow-untyped-calls'];
    const cache = join(root, '.cache', 'mypy');
    const found = runTool(['mypy', '--cache-dir', cache, ...options, ...flatCopies()]);
    expect(found.output).toContain('Success: no issues found');
  }, 300_000);
});

describe('classes', () => {
  test.each(NAMES)('%s has no two classes that differ in constants or names only', (name) => {
    expect(must(inspected.get(name), name).duplicates).toEqual([]);
  });

  test('a class that is a copy with another constant is noticed', () => {
    const text = readFileSync(fileOf('lora'), 'utf8');
    const lora = must(/class Lora\(nn\.Module\):[\s\S]*?(?=\n\n\nclass )/.exec(text)?.[0], 'the class Lora');
    const copy = lora
      .replace('class Lora', 'class Lora4')
      .replaceAll('down', 'inner')
      .replace('math.sqrt(5)', 'math.sqrt(6)');
    const path = join(folder, 'copied.py');
    writeFileSync(path, `${text}\n\n${copy}\n`);
    expect(must(inspectFiles([path])[0], 'a result').duplicates).toEqual([['Lora', 'Lora4']]);
  });

  test('ranks, scales and dropouts that differ between layers are arguments of one class', () => {
    const classes = (name: string): readonly string[] => must(inspected.get(name), name).classes;
    const shared = ['Attention', 'Embeddings', 'LinearHead', 'Layer', 'ModelOutput', 'Model'];
    expect([...classes('lora_ranks')].sort()).toEqual([...shared, 'Lora'].sort());
    expect([...classes('neutral')].sort()).toEqual([...shared, 'Bottleneck'].sort());
    expect(readFileSync(fileOf('lora_ranks'), 'utf8')).toContain(
      'for rank, scale in ((4, 2.0), (2, 4.0), (6, 1.3333333333333333))',
    );
  });

  test('layers that carry other modules are classes of their own, named by what they carry', () => {
    expect(must(inspected.get('rslora_top'), 'rslora_top').classes).toContain('LayerWithLora');
    expect(must(inspected.get('lora_and_pfeiffer'), 'both').classes).toContain('LayerWithBottleneck');
  });

  test('docstrings hold help, equation and paper of the node', () => {
    const text = readFileSync(fileOf('pfeiffer'), 'utf8');
    expect(text).toContain(`class Bottleneck(nn.Module):
    r"""A small trainable MLP. Add it to a sub-layer in series or in parallel.

    A(x) = s\\,(W_{up} f(W_{down} x + b_{down}) + b_{up})
    Houlsby et al. 2019; Pfeiffer et al. 2021; He et al. 2022
    """`);
  });
});

test('the code of LoRA reads as it did', () => {
  const text = readFileSync(fileOf('lora'), 'utf8');
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden('lora.py'), text);
  expect(text).toBe(readFileSync(golden('lora.py'), 'utf8'));
});

describe.each(['lora', 'pfeiffer', 'prefix'])('beside %s written by hand', (name) => {
  test('exported code is at most one and a half times as long', () => {
    const [byHand] = inspectFiles([golden(`handwritten_${name}.py`)]);
    const exported = must(inspected.get(name), name);
    expect(exported.statements / must(byHand, 'by hand').statements).toBeLessThan(1.5);
    expect(exported.lines / must(byHand, 'by hand').lines).toBeLessThan(1.5);
  });

  // A short reference that computes something else would measure nothing.
  test('both give the same numbers', () => {
    const document = exportDocument(name);
    const want = expected(document);
    const { request } = writeCase(document, want, join(folder, 'beside'), { dtype: 'float64' });
    const [ran] = runCases([{ request: { ...request, sources: {}, file: golden(`handwritten_${name}.py`) } }]);
    const distances = compare(want, must(ran, 'a run').out);
    expect(distances.logits).toBeLessThan(1e-6);
    expect(distances.gradient, distances.worst).toBeLessThan(1e-5);
    expect(must(ran, 'a run').wrong).toEqual([]);
  });
});
