/** Reading texts: every fault of shape is reported with code, place, line, what was found and what to do; nothing throws. */
import { describe, expect, it } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { emptyDocument } from '../../../engine/protocol/document.ts';
import { MAX_NODES, parseDocument, parseDocumentBytes } from '../../../engine/protocol/parse.ts';
import { printDocument } from '../../../engine/protocol/print.ts';
import { build, codes, literal, node, placed } from './build.ts';
import { generateDocument, knows, seeded } from './generate.ts';

const read = (value: unknown) => parseDocument(JSON.stringify(value), 'f.json', { knows });
const inNode = (fields: object) => read(literal({ models: { main: { nodes: { a: node({ ...fields }) } } } }));

describe('the smallest document', () => {
  it('may leave out what is empty, and prints it', () => {
    const { document, diagnostics } = read({ format: 'espalier', version: 1, title: '', models: {} });
    expect(diagnostics).toEqual([]);
    expect(document).toEqual(emptyDocument(''));
    expect(document && printDocument(document)).toBe(`{
  "format": "espalier",
  "version": 1,
  "title": "",
  "workflow": {
    "nodes": {},
    "edges": []
  },
  "models": {},
  "recipes": {},
  "sharedSets": {},
  "banks": {}
}
`);
  });
  it('has records without a prototype', () => {
    const document = build({ models: { main: { nodes: { a: node({ params: { r: { all: 1, at: {} } } }) } } } });
    const a = document.models['main' as keyof typeof document.models]?.nodes;
    for (const record of [document.models, document.recipes, document.banks, a]) {
      expect(Object.getPrototypeOf(record)).toBeNull();
    }
  });
});

describe('what is no document of this version', () => {
  it.each([
    ['null', 'document-format', 'null'],
    ['[]', 'document-format', 'a list of 0'],
    ['{"version":1}', 'document-format', '"format" is nothing'],
    ['{"format":"espalier"}', 'document-version', 'nothing'],
    ['{"format":"espalier","version":"1"}', 'document-version', '"1"'],
    ['{"format":"espalier","version":1.5}', 'document-version', '1.5'],
    ['{"format":"espalier","version":0}', 'document-version', '0'],
    ['{"format":"espalier","version":2}', 'document-newer', 'version 2'],
  ])('%s', (text, code, found) => {
    const parsed = parseDocument(text, 'f.json');
    expect(parsed.document).toBeUndefined();
    expect(parsed.diagnostics).toMatchObject([{ code, found, severity: 'error', where: { file: 'f.json' } }]);
  });
  it('says that a newer file was not changed', () => {
    const [newer] = parseDocument('{"format":"espalier","version":7}', 'f.json').diagnostics;
    expect(newer && formatDiagnostic(newer)).toBe(
      'error (f.json): The document was saved by a newer Espalier; this one reads versions up to 1. ' +
        'Found: version 7. Update Espalier. The file was not changed. [document-newer]',
    );
  });
});

describe('faults of shape', () => {
  it.each([
    ['a missing title', { title: undefined }, ['field-missing']],
    ['a title of another type', { title: 3 }, ['field-type']],
    ['an unknown field', { titel: 'x' }, ['field-unknown']],
    ['models as a list', { models: [] }, ['field-type']],
    ['a model id with a dot', { models: { 'a.b': { nodes: {} } } }, ['field-name']],
    ['an integer-like id', { models: { '1': { nodes: {} } } }, ['field-name']],
    ['an empty id', { models: { '': { nodes: {} } } }, ['field-name']],
    ['a graph without nodes', { models: { m: {} } }, ['field-missing']],
    ['an absolute asset', bank({ asset: '/etc/passwd' }), ['asset-path']],
    ['an asset that climbs', bank({ asset: 'a/../../b' }), ['asset-path']],
    ['an asset on a drive', bank({ asset: 'C:/x' }), ['asset-path']],
    ['an asset with backslashes', bank({ asset: 'a\\b' }), ['asset-path']],
    ['an asset at home', bank({ asset: '~/x' }), ['asset-path']],
    ['an asset from the web', bank({ asset: 'https://x.y/z' }), ['asset-path']],
    ['a hash in capitals', bank({ hash: 'AB'.repeat(32) }), ['field-text']],
    ['two artifacts in one', bank({ hash: 'ab'.repeat(32), asset: 'x' }), ['artifact-ref']],
    ['no artifact', bank({}), ['artifact-ref']],
    ['an artifact of an unknown kind', bank({ url: 'x' }), ['artifact-ref']],
    ['a shared set with a wrong title', { sharedSets: { s: { title: 1 } } }, ['field-type']],
  ])('%s', (_name, parts, expected) => {
    expect(codes(read(literal(parts)).diagnostics)).toEqual(expected);
  });

  it.each([
    ['no type', { type: undefined }, 'field-missing'],
    ['an empty type', { type: '' }, 'field-range'],
    ['a version below one', { version: 0 }, 'field-range'],
    ['a version with a fraction', { version: 1.5 }, 'field-type'],
    ['a field of the future', { colour: 'red' }, 'field-unknown'],
    ['the reserved field', { raw: 'x' }, 'field-unknown'],
    ['a null parameter', { params: { r: null } }, 'param-value'],
    ['an object as a parameter', { params: { r: { x: 1 } } }, 'param-value'],
    ['nested lists', { params: { r: [[1]] } }, 'param-value'],
    ['an override without a stack value', { params: { r: { at: {} } } }, 'param-value'],
    ['an override for no layers', { params: { r: { all: 1, at: { x: 2 } } } }, 'selection-text'],
    ['a list as override', { params: { r: { all: 1, at: { '1': [2] } } } }, 'param-value'],
    ['a parameter name with a dot', { params: { 'a.b': 1 } }, 'field-name'],
    ['an unknown scope', { scope: 'global' }, 'field-choice'],
    ['layers in words', { layers: 'first two' }, 'selection-text'],
    ['a wrong mute', { mute: 'maybe' }, 'selection-text'],
    ['a wrong site', { site: 'attn..q' }, 'field-text'],
    ['a recipe id that is none', { recipe: 'a b' }, 'field-name'],
    ['a stack of nothing', { stack: { repeat: 0, first: 0, weights: 'each', carry: ['x'] } }, 'field-range'],
    ['a stack that carries nothing', { stack: { repeat: 1, first: 0, weights: 'each', carry: [] } }, 'field-range'],
    ['a stack without weights', { stack: { repeat: 1, first: 0, carry: ['x'] } }, 'field-missing'],
    ['a huge stack', { stack: { repeat: 1e6, first: 0, weights: 'each', carry: ['x'] } }, 'field-range'],
  ])('%s in a node', (_name, fields, code) => {
    const { diagnostics, document } = inNode(fields);
    expect(document).toBeUndefined();
    expect(diagnostics).toMatchObject([{ code, where: { file: 'f.json', row: 1, model: 'main', node: 'a' } }]);
  });

  it('are reported all at once, each in its place and line', () => {
    const text = `{"format": "espalier", "version": 1, "title": "t",
"models": {"main": {"nodes": {
  "s": {"type": "stack", "version": 1, "stack": {"repeat": 2, "first": 0, "weights": "each", "carry": ["x"]},
    "body": {"nodes": {
      "q": {"type": "lora", "version": 1,
            "params": {"r": 8,
                       "alpha": null}},
      "v": {"version": 1}}}},
  "s": {}},
"edges": [{"from": {"node": "a"}, "to": {"node": "b", "port": "in"}},
          {"from": {"node": "a", "port": "o"}, "to": {"node": "b", "port": "in"}, "order": "first"}]}},
"extra": 9007199254740993}`;
    const { diagnostics } = parseDocument(text, 'f.json');
    expect(
      diagnostics.map((d) => `${d.where.row} ${d.code} ${d.where.node ?? ''} ${d.where.param ?? ''}`.trim()),
    ).toEqual([
      '9 json-duplicate-key s',
      '12 json-number-inexact',
      '7 param-value s/q alpha',
      '8 field-missing s/v',
      '10 field-missing',
      '11 field-type',
      '12 field-unknown',
    ]);
    for (const d of diagnostics)
      expect(formatDiagnostic(d)).toMatch(/^error \(f\.json, row \d+.*\): .+\. .+ \[[a-z-]+\]$/);
  });

  it('never shows more problems than a person can read', () => {
    const nodes = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`n${i}`, { type: 'x' }]));
    const { diagnostics } = read(literal({ models: { m: { nodes } } }));
    expect(diagnostics).toHaveLength(1001);
    expect(diagnostics.at(-1)?.code).toBe('more-problems');
  });
});

const bank = (artifact: object) => ({ banks: { b: { sources: [{ name: 's', artifact }] } } });

describe('places', () => {
  it('name the containers of a workflow node', () => {
    const body = { nodes: { train: { type: 'train', version: 1, params: { lr: {} } } } };
    const { diagnostics } = read(
      literal({ workflow: { nodes: { each: { type: 'for-each', version: 1, items: [], body } } } }),
    );
    expect(placed(diagnostics)).toEqual(['param-value node=each/train param=lr']);
  });
  it('are not confused by parameters and view entries named like fields', () => {
    const { diagnostics } = read(
      literal({ view: { nodes: { x: 1 } }, models: { m: { nodes: { nodes: node({ params: { nodes: null } }) } } } }),
    );
    expect(placed(diagnostics)).toEqual(['param-value model=m node=nodes param=nodes']);
    expect(diagnostics[0]?.message).toBe('"params.nodes" is no parameter value.');
  });
});

describe('unknown node types', () => {
  const kept =
    '{"type" : "alien.node",\n "version": 3, "params": {"deep": [{"x": 9007199254740993}]}, "future": 1e999 }';
  const text = `{"format":"espalier","version":1,"title":"t","models":{"m":{"nodes":{"a":${kept},"b":{"type":"plain","version":1}},
    "edges":[{"from":{"node":"a","port":"o"},"to":{"node":"b","port":"i"}}]}},"recipes":{"r":${kept}}}`;

  it('are no fault, and their text comes back byte for byte', () => {
    const { document, diagnostics } = parseDocument(text, 'f.json', { knows });
    expect(diagnostics).toEqual([]);
    expect(document).toMatchObject({
      models: { m: { nodes: { a: { type: 'alien.node', version: 3, params: {}, raw: kept } } } },
      recipes: { r: { type: 'alien.node', version: 3, params: {}, raw: kept } },
    });
    const printed = document === undefined ? '' : printDocument(document);
    expect(printed).toContain(`"a": ${kept}`);
    expect(printed).toContain(`"r": ${kept}`);
    expect(parseDocument(printed, 'f.json', { knows }).document).toEqual(document);
  });
  it('may be a newer version of a known type', () => {
    const newer = parseDocument(text.replaceAll('alien.node', 'lora'), 'f.json', {
      knows: (_type, version) => version < 3,
    });
    expect(newer.diagnostics).toEqual([]);
    expect(printDocument(newer.document ?? generateDocument(0))).toContain(kept.replace('alien.node', 'lora'));
  });
  it('must fit the schema when the reader has no list of types', () => {
    expect(codes(parseDocument(text, 'f.json').diagnostics)).toContain('field-unknown');
    expect(codes(parseDocument(text, 'f.json').diagnostics)).toContain('json-number-inexact');
  });
  it('may not hide duplicate or prototype keys', () => {
    const hidden = text.replaceAll('"future"', '"version": 1, "__proto__"');
    expect(new Set(codes(parseDocument(hidden, 'f.json', { knows }).diagnostics))).toEqual(
      new Set(['json-duplicate-key', 'json-forbidden-key']),
    );
  });
});

describe('bytes', () => {
  it('must be UTF-8', () => {
    const text = JSON.stringify(literal({ title: 'größe' }));
    expect(parseDocumentBytes(new TextEncoder().encode(text), 'f').document?.title).toBe('größe');
    const latin = Uint8Array.from(text, (c) => c.charCodeAt(0));
    expect(parseDocumentBytes(latin, 'f').diagnostics).toMatchObject([
      { code: 'json-encoding', found: `a wrong byte at or after offset ${text.indexOf('ö')}` },
    ]);
    expect(codes(parseDocumentBytes(new Uint8Array(Buffer.from(text, 'utf16le')), 'f').diagnostics)).toHaveLength(1);
  });
});

describe('hostile documents', () => {
  it('with deep nesting are refused at once', () => {
    const deep = '{"nodes":{"a":{"type":"x","version":1,"body":'.repeat(20_000);
    const { diagnostics } = parseDocument(`{"format":"espalier","version":1,"models":{"m":${deep}`, 'f');
    expect(codes(diagnostics)).toEqual(['json-too-deep']);
  });
  it('with too many nodes are refused in words', () => {
    const nodes = Array.from({ length: MAX_NODES + 1 }, (_, i) => `"n${i}":0`).join(',');
    const { diagnostics } = parseDocument(`{"format":"espalier","version":1,"models":{"m":{"nodes":{${nodes}}}}}`, 'f');
    expect(codes(diagnostics)).toEqual(['document-too-many-nodes']);
  });
  it('with ids like inherited names mean what they say', () => {
    const document = build({
      models: { toString: { nodes: { valueOf: node(), hasOwnProperty: node({ recipe: 'toString' }) } } },
    });
    expect(Object.keys(document.models)).toEqual(['toString']);
    expect('constructor' in document.models).toBe(false);
  });

  it('made by changing characters never throw, and never give a document that prints to something else', () => {
    const r = seeded(3);
    let refused = 0;
    for (let i = 0; i < 250; i++) {
      const text = printDocument(generateDocument(i % 40));
      const at = r.int(text.length);
      const piece = r.pick([
        '',
        '"',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '0',
        '-1',
        'null',
        '\\',
        'é',
        '{}',
        '[]',
        '"a":1,',
        '\n',
      ]);
      const changed = text.slice(0, at) + piece + text.slice(at + r.int(6));
      const { document, diagnostics } = parseDocument(changed, 'f', { knows });
      expect(document === undefined).toBe(diagnostics.length > 0);
      if (document === undefined) refused++;
      else expect(parseDocument(printDocument(document), 'f', { knows }).document).toEqual(document);
    }
    expect(refused).toBeGreaterThan(60);
  });

  it('made by replacing values never throw', () => {
    const r = seeded(4);
    const values = [null, true, -1, 1.5, 'x', [], {}, [[]], { type: 3 }, { nodes: [] }, { all: 1, at: 2 }, [null]];
    for (let i = 0; i < 200; i++) {
      const plainData = JSON.parse(JSON.stringify(generateDocument(i % 30))) as Record<string, unknown>;
      replaceSomewhere(plainData, r.pick(values), r.int(40));
      const { document, diagnostics } = read(plainData);
      expect(document === undefined).toBe(diagnostics.length > 0);
    }
  });
});

/** Replaces the value that a walk of `steps` random-looking turns ends at. */
function replaceSomewhere(root: Record<string, unknown>, value: unknown, steps: number): void {
  let at: Record<string, unknown> = root;
  for (let i = 0; ; i++) {
    const keys = Object.keys(at);
    const key = keys[(steps * 7 + i * 3) % keys.length];
    if (key === undefined) return;
    const child = at[key];
    if (typeof child !== 'object' || child === null || i > steps % 9 || Object.keys(child).length === 0) {
      at[key] = value;
      return;
    }
    at = child as Record<string, unknown>;
  }
}
