/**
 * Structure-aware random safetensors files: a good file, then none to three mutations of its header text, its length
 * field or its data. Seeded, so that a failing case can be made again from its number.
 */
import { seeded } from './helpers.ts';

const DTYPES: readonly (readonly [string, number])[] = [
  ['F64', 8],
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['I64', 8],
  ['I32', 4],
  ['I16', 2],
  ['I8', 1],
  ['U8', 1],
  ['U16', 2],
  ['U32', 4],
  ['U64', 8],
  ['BOOL', 1],
];
const NAMES = [
  'a',
  'b',
  'layer.0.weight',
  '__proto__',
  'constructor',
  '../../x',
  'ü',
  '名',
  'a b',
  '"',
  '\\',
  '',
  'a\u0000',
  '😀',
];
const SNIPPETS = [
  '{}',
  '[]',
  'null',
  'true',
  '0',
  '-0',
  '-1',
  '1.0',
  '1e3',
  '01',
  '""',
  '"F32"',
  '"\\u0061"',
  '"\\ud800"',
  '{"a":1}',
  '{"F32":null}',
  '[1,2]',
  '[0,0]',
  '[[]]',
  ',',
  ':',
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ' ',
  '\n',
  '\t',
  '\0',
  '\x7f',
  '9007199254740991',
  '9007199254740993',
  '18446744073709551615',
  '18446744073709551616',
  '"scale":1,',
  '"__metadata__":{},',
  '"__metadata__":{"k":"v","k":"w"},',
  '"__metadata__":null,',
  '"dtype":"F32",',
  '"shape":[],',
  '"data_offsets":[0,4],',
  '"z":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},',
  '"z":["F32",[0],[0,0]],',
];

type Random = () => number;
const below = (random: Random, n: number): number => Math.floor(random() * n);
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!;

/** Case `number` of the series `seed`. About one in five is a good file. */
export function randomFile(seed: number, number: number): Buffer {
  const random = seeded(seed * 1_000_003 + number);
  const { header, data } = goodFile(random);
  let json: Buffer = Buffer.from(header, 'utf8');
  let bytes: Buffer = data;
  let length: bigint | undefined;
  const mutations = pick(random, [0, 1, 1, 1, 2, 3]);
  for (let i = 0; i < mutations; i++) {
    const kind = random();
    if (kind < 0.75) json = mutateText(random, json);
    else if (kind < 0.9)
      bytes = pick(random, [
        bytes.subarray(0, below(random, bytes.length + 1)),
        Buffer.concat([bytes, Buffer.alloc(1 + below(random, 9))]),
      ]);
    else
      length = pick(random, [
        0n,
        1n,
        2n,
        BigInt(Math.max(0, json.length - 1)),
        BigInt(json.length + 1),
        BigInt(json.length + bytes.length),
        2n ** 32n,
        2n ** 63n,
        2n ** 64n - 1n,
      ]);
  }
  const field = Buffer.alloc(8);
  field.writeBigUInt64LE(length ?? BigInt(json.length));
  return Buffer.concat([field, json, bytes]);
}

function goodFile(random: Random): { header: string; data: Buffer } {
  const entries: string[] = [];
  let end = 0;
  const space = random() < 0.2 ? ' ' : '';
  const used = new Set<string>();
  for (let i = below(random, 5); i > 0; i--) {
    const name = random() < 0.8 ? `t${i}` : pick(random, NAMES);
    if (used.has(name)) continue;
    used.add(name);
    const [dtype, size] = pick(random, DTYPES);
    const shape = Array.from({ length: below(random, 4) }, () => below(random, 4));
    const begin = end;
    end += shape.reduce((a, b) => a * b, size);
    const fields = [
      `"dtype":${space}"${dtype}"`,
      `"shape":${space}[${shape.join(`,${space}`)}]`,
      `"data_offsets":[${begin},${end}]`,
    ];
    if (random() < 0.3) fields.reverse();
    entries.push(`${JSON.stringify(name)}:${space}{${fields.join(',')}}`);
  }
  if (random() < 0.3) entries.unshift('"__metadata__":{"format":"pt"}');
  if (random() < 0.2) entries.reverse();
  const header = `{${entries.join(`,${space}`)}}${' '.repeat(below(random, 9))}`;
  return { header, data: Buffer.from(Array.from({ length: end }, () => below(random, 256))) };
}

function mutateText(random: Random, json: Buffer): Buffer {
  const at = below(random, json.length + 1);
  const cut = Math.min(json.length, at + below(random, 12));
  const tokens = [...json.toString('latin1').matchAll(/"(?:[^"\\]|\\.)*"|\d+|[{}[\],:]/g)];
  const token = tokens.length === 0 ? undefined : pick(random, tokens);
  const splice = (from: number, to: number, text: string | Buffer): Buffer =>
    Buffer.concat([
      json.subarray(0, from),
      typeof text === 'string' ? Buffer.from(text, 'latin1') : text,
      json.subarray(to),
    ]);
  switch (below(random, 8)) {
    case 0:
      return splice(at, cut, '');
    case 1:
      return splice(at, at, pick(random, SNIPPETS));
    case 2:
      return splice(at, cut, json.subarray(below(random, json.length + 1), below(random, json.length + 1)));
    case 3: {
      const flipped = Buffer.from(json);
      if (at < flipped.length) flipped[at]! ^= 1 << below(random, 8);
      return flipped;
    }
    case 4:
      return splice(1, 1, pick(random, SNIPPETS.slice(-9)));
    case 5:
      return token === undefined ? json : splice(token.index, token.index + token[0].length, String(below(random, 40)));
    default:
      return token === undefined ? json : splice(token.index, token.index + token[0].length, pick(random, SNIPPETS));
  }
}
