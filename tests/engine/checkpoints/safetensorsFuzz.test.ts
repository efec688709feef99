/**
 * Random files against the invariants of the reader, and against the reference implementation (PyPI `safetensors`).
 * `ESPALIER_FUZZ_CASES` sets another number of cases for the nightly run.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { UserError } from '../../../engine/base/errors.ts';
import {
  DTYPE_BYTES,
  type SafetensorsLayout,
  type TensorEntry,
} from '../../../engine/checkpoints/safetensorsHeader.ts';
import { entryJson, fileOf, parseBytes } from './helpers.ts';
import { randomFile } from './mutations.ts';

const cases = Number(process.env['ESPALIER_FUZZ_CASES'] ?? 10_000);

const CODES = new Set(
  [
    'truncated',
    'header-too-large',
    'header-start',
    'json',
    'utf8',
    'duplicate-key',
    'structure',
    'integer',
    'name',
    'unknown-field',
    'missing-field',
    'dtype',
    'rank',
    'overflow',
    'offsets',
    'size',
    'overlap',
    'hole',
    'trailing',
    'too-many',
    'pickle',
    'git-pointer',
  ].map((c) => `safetensors-${c}`),
);

/**
 * What the reference accepts and we refuse: code, the sentence, the reason. Nothing else may differ, and each must
 * occur.
 */
const STRICTER: readonly (readonly [string, RegExp, string])[] = [
  ['safetensors-duplicate-key', /stands twice in the header/, 'the last of two equal names would win silently'],
  [
    'safetensors-duplicate-key',
    /stands twice in "__metadata__"/,
    'the last of two equal keys of the metadata would win silently',
  ],
  ['safetensors-unknown-field', /a field that the format does not know/, 'data that nobody checks'],
  ['safetensors-name', /empty name/, 'an empty path element in every message'],
  ['safetensors-name', /control character/, 'names are printed'],
  ['safetensors-header-start', /begin with "{"/, 'white space before the header'],
  ['safetensors-json', /only spaces may pad it/, 'white space other than spaces after the header'],
  [
    'safetensors-structure',
    /^the entry of tensor .* must be an object/,
    'an array of the three fields in place of an object',
  ],
  ['safetensors-structure', /^the dtype must be a string/, 'an object with the dtype as its key'],
  ['safetensors-structure', /^"__metadata__" must be an object/, 'null as metadata'],
  [
    'safetensors-integer',
    /larger than 2\^53 - 1/,
    'numbers that JavaScript cannot hold, in the shape of an empty tensor',
  ],
  ['safetensors-overflow', /more than 2\^53 bytes/, 'partial products that JavaScript cannot hold'],
  ['safetensors-rank', /more than 64 dimensions/, 'memory'],
  ['safetensors-dtype', /not supported/, '8-bit and sub-byte floats, complex numbers'],
  ['safetensors-too-many', /more than 100000 tensors/, 'time and memory'],
  ['safetensors-too-many', /more than 100000 entries/, 'time and memory, metadata'],
];

interface Outcome {
  readonly layout?: SafetensorsLayout;
  readonly code?: string;
  readonly message?: string;
}

function outcomeOf(bytes: Buffer): Outcome {
  try {
    return { layout: parseBytes(bytes) };
  } catch (error) {
    if (!(error instanceof UserError) || error.diagnostics.length !== 1) throw error;
    const { code, message } = error.diagnostics[0]!;
    return { code, message };
  }
}

function checkInvariants(layout: SafetensorsLayout, size: number): void {
  const entries = [...layout.tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = layout.dataStart;
  for (const entry of entries) {
    const count = entry.shape.reduce((a, b) => a * b, 1);
    if (entry.begin !== at || entry.end - entry.begin !== count * DTYPE_BYTES[entry.dtype])
      throw new Error(`bad entry ${entry.name}`);
    at = entry.end;
  }
  if (at !== size) throw new Error(`data ends at ${at} of ${size}`);
}

test(`${cases} random files: a layout that holds, or one refusal in words`, () => {
  const seen = new Map<string, number>();
  let slowest = 0;
  for (let i = 0; i < cases; i++) {
    const bytes = randomFile(1, i);
    const started = process.cpuUsage();
    const { layout, code } = outcomeOf(bytes);
    slowest = Math.max(slowest, process.cpuUsage(started).user / 1000);
    if (layout !== undefined) checkInvariants(layout, bytes.length);
    else expect(CODES, `case ${i}`).toContain(code);
    seen.set(code ?? 'accepted', (seen.get(code ?? 'accepted') ?? 0) + 1);
  }
  expect(seen.get('accepted')).toBeGreaterThan(cases / 10);
  expect(seen.size).toBeGreaterThan(14);
  expect(slowest).toBeLessThan(250);
});

/** Reads [length, bytes]* from standard input, and prints one JSON line a file: null when refused. */
const ORACLE = `
import hashlib, json, sys
from safetensors import deserialize, SafetensorError
data = sys.stdin.buffer.read()
at = 0
while at < len(data):
    n = int.from_bytes(data[at:at + 8], 'little'); at += 8
    try:
        tensors = deserialize(data[at:at + n])
        print(json.dumps([[k, t['dtype'], t['shape'], hashlib.sha1(t['data']).hexdigest()] for k, t in tensors]))
    except SafetensorError as e:
        print('null')
    at += n
`;

function oracle(files: readonly Buffer[]): z.infer<typeof oracleLine>[] {
  const python = ['.cache/venv/bin/python', '.cache/venv/Scripts/python.exe'].find((p) => existsSync(p));
  expect(python, 'the Python environment of the tests: run "npm run setup"').toBeDefined();
  const input = Buffer.concat(files.flatMap((f) => [Buffer.from(new BigUint64Array([BigInt(f.length)]).buffer), f]));
  const run = spawnSync(python!, ['-c', ORACLE], { input, maxBuffer: 2 ** 28 });
  expect(run.stderr.toString()).toBe('');
  return run.stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => oracleLine.parse(JSON.parse(line)));
}
const oracleLine = z.array(z.tuple([z.string(), z.string(), z.array(z.number()), z.string()])).nullable();

test('nothing that the reference refuses is accepted, and what we refuse beyond it is the list', () => {
  const files = [...Array.from({ length: Math.min(cases, 10_000) }, (_, i) => randomFile(2, i)), ...strictOnly()];
  const answers = oracle(files);
  expect(answers.length).toBe(files.length);
  const beyond = new Set<string>();
  for (const [i, bytes] of files.entries()) {
    const { layout, code, message } = outcomeOf(bytes);
    const answer = answers[i]!;
    const shown = `case ${i}: ${bytes.toString('latin1', 0, 400)}`;
    if (answer === null) expect(layout, shown).toBeUndefined();
    else if (layout === undefined) {
      const reason = STRICTER.find(([c, says]) => c === code && says.test(message ?? ''))?.[2];
      expect(reason, `${shown} ${message}`).toBeDefined();
      beyond.add(reason!);
    } else {
      const byName = (a: readonly unknown[], b: readonly unknown[]): number => (String(a[0]) < String(b[0]) ? -1 : 1);
      expect(summaryOf(layout, bytes).sort(byName), shown).toEqual(answer.sort(byName));
    }
  }
  expect([...beyond].sort()).toEqual([...new Set(STRICTER.map((s) => s[2]))].sort());
});

function summaryOf(layout: SafetensorsLayout, bytes: Buffer): (readonly unknown[])[] {
  const sha1 = (t: TensorEntry): string => createHash('sha1').update(bytes.subarray(t.begin, t.end)).digest('hex');
  return [...layout.tensors.values()].map((t) => [t.name, t.dtype, t.shape, sha1(t)]);
}

/** At least one file for every line of the list, so that the list never depends on the luck of the mutations. */
function strictOnly(): Buffer[] {
  const entry = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
  const many = (item: (i: number) => string): string => Array.from({ length: 100_001 }, (_, i) => item(i)).join(',');
  const empty = (name: string): string => `${JSON.stringify(name)}:${entry}`;
  return [
    fileOf(`{${empty('a')},${empty('a')}}`),
    fileOf('{"__metadata__":{"k":"1","k":"2"}}'),
    fileOf('{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"scale":1}}'),
    fileOf(`{${empty('')}}`),
    fileOf(`{${empty('a\u0000')}}`),
    fileOf(` {${empty('a')}}`),
    fileOf(`{${empty('a')}}\n`),
    fileOf('{"a":["F32",[0],[0,0]]}'),
    fileOf('{"a":{"dtype":{"F32":null},"shape":[0],"data_offsets":[0,0]}}'),
    fileOf('{"__metadata__":null}'),
    fileOf('{"a":{"dtype":"F32","shape":[0,9007199254740993],"data_offsets":[0,0]}}'),
    fileOf(`{${entryJson('a', 'F32', [2 ** 30, 2 ** 30, 0], 0, 0)}}`),
    fileOf(`{${entryJson('a', 'F8_E4M3', [4], 0, 4)}}`, new Uint8Array(4)),
    fileOf(`{${entryJson('a', 'C64', [1], 0, 8)}}`, new Uint8Array(8)),
    fileOf(`{${entryJson('a', 'U8', new Array<number>(65).fill(1), 0, 1)}}`, new Uint8Array(1)),
    fileOf(`{${many((i) => `"${i}":${entry}`)}}`),
    fileOf(`{"__metadata__":{${many((i) => `"${i}":""`)}}}`),
  ];
}
