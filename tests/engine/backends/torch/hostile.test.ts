/**
 * Names and texts from documents, checkpoints and adapters cannot change exported code: hostile ones give the syntax tree
 * of harmless ones, and stand in it as identifiers of a safe form or as the very strings that they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { exportTorch } from '../../../../engine/backends/torch/export.ts';
import type { TorchParameter, TorchSource } from '../../../../engine/backends/torch/source.ts';
import { must } from '../../../../engine/base/errors.ts';
import type { Fn, Instr, Program } from '../../../../engine/ir/program.ts';
import { compileDocument, exportDocument, type TestDocument } from '../../../support/documents.ts';
import { oraclePython } from '../../../support/oracle.ts';
import { testRandom } from '../../../support/arrays.ts';
import { type Case, compareLogits, expected, inspectFiles, newFolder, runCases, writeCase } from './harness.ts';

const folder = newFolder();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Words that the emitter itself gives a meaning; everything else is a name. */
const MEANINGFUL = new Set(
  'batch ids typeIds positions lengths labels rng key tokens examples output loss sum weight bias scale logits'.split(
    ' ',
  ),
);
const isName = (part: string): boolean => part !== '' && !/^\d+$/.test(part) && !MEANINGFUL.has(part);

/** The text with every name in a path or a checkpoint's name replaced. */
const inParts = (text: string, rename: (part: string) => string): string =>
  text
    .split(/([/.:])/)
    .map((part, i) => (i % 2 === 0 && isName(part) ? rename(part) : part))
    .join('');

/** Every text of the model that a document, a checkpoint or an adapter may have brought. */
function renamed(source: TorchSource, rename: (part: string) => string): TorchSource {
  const text = (t: string): string => inParts(t, rename);
  const instr = (i: Instr): Instr => {
    if (i.kind === 'call') return { ...i, fn: fnName(i.fn), site: text(i.site) };
    return i.kind === 'repeat' ? { ...i, bodies: i.bodies.map(fnName), site: text(i.site) } : i;
  };
  const fnName = (n: string): string => (n === source.program.entry ? n : rename(`fn ${n}`));
  const fn = (f: Fn): Fn => ({
    ...f,
    name: fnName(f.name),
    params: f.params.map((p) => ({ ...p, name: text(p.name) })),
    body: f.body.map(instr),
    results: f.results.map((r) => ({ ...r, name: text(r.name) })),
    values: new Map(
      [...f.values].map(([id, v]) => [id, v.name === undefined ? v : { ...v, name: text(v.name) }] as const),
    ),
    ...(f.origin ? { origin: { ...f.origin, doc: `${rename('doc')}\n${f.origin.doc}` } } : {}),
  });
  const program: Program = {
    ...source.program,
    functions: new Map([...source.program.functions.values()].map((f) => [fnName(f.name), fn(f)] as const)),
  };
  const parameters = source.parameters.map((p): TorchParameter => ({
    ...p,
    name: text(p.name),
    path: text(p.path),
    ...(p.initFrom === undefined ? {} : { initFrom: text(p.initFrom) }),
    ...(p.source
      ? {
          source: {
            artifact: p.source.artifact === 'backbone' ? 'backbone' : text(p.source.artifact),
            tensor: text(p.source.tensor),
          },
        }
      : {}),
  }));
  const losses = source.losses.map((l) => ({ ...l, name: text(l.name) }));
  return { program, parameters, losses, outputs: source.outputs.map(text) };
}

const LONE_SURROGATE = '\ud800';

/** Without `/`, `.`, `:` and `*`, which separate the parts of names. */
const HOSTILE: readonly string[] = [
  '__init__',
  'self',
  'class',
  'lambda',
  'import os',
  'exec("1")',
  '"""',
  "'''",
  '"',
  "'",
  '\\',
  '\\"',
  '""" + exit() + """',
  '\n    raise SystemExit(1)\n',
  '\r\n#',
  '#',
  '{layer}',
  '{i}',
  '{',
  '}}',
  '%s',
  '\u202eevil',
  '\u2028',
  '\0',
  '\x1b[31m',
  'é',
  '漢字',
  '😀',
  LONE_SURROGATE,
  ' ',
  '-',
  '_',
  '__',
  'T',
  'F',
  'torch',
  'nn',
  'functional',
  'forward',
  'True',
  'None',
  'print',
  'x'.repeat(300),
  'A',
  '1abc',
  'a b',
  'a-b',
  'a_b',
  'type',
  'training',
  'parameters',
  '; import os; os',
  '), exec(1',
  '\t',
  'Layer',
  'Model',
  'ModelOutput',
  'Attention',
  'PRETRAINED',
  'expand',
  'loss_',
  'match',
];

function exported(name: string, label: string, rename: (part: string) => string): string {
  const at = join(folder, name, label);
  mkdirSync(at, { recursive: true });
  const source = compileDocument(exportDocument(name).document, true);
  const [file] = exportTorch(renamed(source, rename), at);
  return must(file, 'a file');
}

/** A rename that gives each name a text of its own, so that equal names stay equal and others different. */
function distinct(texts: readonly string[], seed: number): (part: string) => string {
  const random = testRandom('hostile', seed);
  const given = new Map<string, string>();
  return (part) => {
    const known = given.get(part);
    if (known !== undefined) return known;
    const a = must(texts[random.below(texts.length)], 'a text');
    const made = [...given.values()].includes(a)
      ? `${a}${must(texts[random.below(texts.length)], 'a text')}${given.size}`
      : a;
    given.set(part, made);
    return made;
  };
}

const harmless = (): ((part: string) => string) => {
  const given = new Map<string, string>();
  return (part) => {
    if (!given.has(part))
      given.set(part, `name${'abcdefghijklmnopqrstuvwxyz'[given.size % 26]}${'q'.repeat(Math.floor(given.size / 26))}`);
    return must(given.get(part), part);
  };
};

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

test('hostile names lead to the right tensors', () => {
  // A lone surrogate cannot stand in the JSON of a tensor file.
  const texts = HOSTILE.filter((t) => t !== LONE_SURROGATE);
  const documents = ['dora', 'fusion'].map(exportDocument);
  const wants = documents.map(expected);
  const as = (source: TorchSource): TorchSource => renamed(source, distinct(texts, 5));
  const write = (d: TestDocument, i: number): Case =>
    writeCase(d, must(wants[i], d.name), join(folder, 'numbers'), { dtype: 'float64', as });
  runCases(documents.map(write)).forEach((ran, i) => {
    expect(compareLogits(must(wants[i], 'a reference'), ran.out)).toBeLessThan(1e-6);
  });
});

describe.each(['lora_ranks', 'dora', 'fusion', 'prefix_mlp', 'prompt'])('%s', (name) => {
  test('has one syntax tree whatever its names are', () => {
    const files = [
      exported(name, 'harmless', harmless()),
      ...[1, 2, 3, 4].map((seed) => exported(name, `hostile${seed}`, distinct(HOSTILE, seed))),
    ];
    const [plain, ...others] = inspectFiles(files);
    for (const [i, other] of others.entries()) {
      expect(other.tree, `seed ${i + 1}`).toBe(must(plain, 'harmless').tree);
      expect(other.nodes).toEqual(must(plain, 'harmless').nodes);
      expect(other.names.filter((n) => !IDENTIFIER.test(n))).toEqual([]);
    }
  });

  test('keeps the names of tensors as they are', () => {
    const rename = distinct([...HOSTILE, '*', 'a.b', 'a/b', '..', '/', 'layers.0.', '0', '.weight', '*.*'], 7);
    const source = renamed(compileDocument(exportDocument(name).document, true), rename);
    const at = join(folder, name, 'tables');
    mkdirSync(at, { recursive: true });
    const [file] = exportTorch(source, at);
    const code =
      'import json,runpy,sys; m = runpy.run_path(sys.argv[1]); m["Model"]();print(json.dumps([list(m["PRETRAINED"].values()), list(m["TRAINABLE"].values())]))';
    const done = spawnSync(oraclePython(), ['-c', code, must(file, 'a file')], { encoding: 'utf8' });
    expect(done.stderr).toBe('');
    const [pretrained, trainable] = JSON.parse(done.stdout) as readonly [string[], string[]];
    expect([...trainable].sort()).toEqual(
      source.parameters
        .filter((p) => p.role === 'trainable')
        .map((p) => p.path)
        .sort(),
    );
    const known = new Set(
      source.parameters.flatMap((p) => (p.source?.artifact === 'backbone' ? [p.source.tensor] : [])),
    );
    expect(pretrained.filter((t) => !known.has(t))).toEqual([]);
  });
});
