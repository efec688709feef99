/**
 * Sources of custom nodes that mean harm, by what they try. Each is made from a small piece of code put into an otherwise
 * good node: at the top, inside of `build`, or in place of what the node gives back.
 */
export interface HostileNode {
  readonly name: string;
  readonly source: string;
}

interface Place {
  readonly top?: string;
  readonly build?: string;
  readonly returns?: string;
  readonly fields?: string;
  readonly params?: string;
  readonly title?: string;
}

/** A good node with some parts replaced. */
export function nodeWith({ top = '', build = '', returns, fields = '', params, title = "'Good'" }: Place = {}): string {
  return `
import { add, constant, defineNode, int, kaimingUniform, matmul, mul, tensor, widthOf, zeros } from 'espalier';
${top}
export const node = defineNode({
  type: 'custom.good', version: 1,
  docs: { title: ${title}, family: 'additive', help: 'A small module.' },
  inputs: { x: { kind: 'tensor', doc: 'input' } }, outputs: { y: { kind: 'tensor', doc: 'output' } },
  params: { ${params ?? "size: int(4, 'Width.', { min: 1 })"} }, bypass: { kind: 'absent' },
  ${fields}
  build: ({ scope, inputs, params, id }) => {
    const x = inputs.tensor('x');
    const d = widthOf(x);
    ${build}
    const w = scope.param('w', [d, d], zeros);
    return ${returns ?? '{ y: tensor(matmul(x, w)) }'};
  },
});
`;
}

const inBuild = (name: string, build: string): HostileNode => ({
  name: `${name}, in build`,
  source: nodeWith({ build }),
});
const atTop = (name: string, top: string): HostileNode => ({ name: `${name}, on loading`, source: nodeWith({ top }) });
const both = (name: string, code: string): readonly HostileNode[] => [atTop(name, code), inBuild(name, code)];
const gives = (name: string, returns: string, build = ''): HostileNode => ({
  name,
  source: nodeWith({ build, returns }),
});

/** Code that never ends, or ends only after very long. */
const LOOPS: readonly (readonly [string, string])[] = [
  ['endless loop', 'for (;;);'],
  ['endless loop that catches', 'for (;;) { try { null.x; } catch {} }'],
  ['endless getter', 'const o = { get a() { return this.a; } }; for (;;) { try { o.a; } catch {} }'],
  ['endless generator', 'function* g() { for (;;) yield 1; } for (const v of g()) v;'],
  ['regular expression that backtracks', "/^(a+)+$/.test('a'.repeat(60) + 'b');"],
  ['regular expression over the prototype', "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.replace(/(a*)*b/g, '');"],
  ['search in a huge sparse array', 'Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);'],
  ['sort with a wrong comparison', 'const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => 1);'],
  ['join of a huge sparse array', "Array.prototype.join.call({ length: 2 ** 31 }, '');"],
  ['proxy without an end', 'const p = new Proxy({}, { get: (_t, _k, r) => r, has: () => true }); for (;;) p.a.b.c;'],
  ['toString that loops', 'const o = { toString() { for (;;); } }; `${o}`;'],
  ['JSON with a toJSON that loops', 'JSON.stringify({ toJSON() { for (;;); } });'],
  ['huge power of a BigInt', 'let b = 3n; for (;;) b = b * b % (2n ** 20000n);'],
  ['eval of a loop', "eval('for(;;);');"],
  ['sum of promises', 'const f = () => Promise.resolve().then(f); for (;;) f();'],
];

const MEMORY: readonly (readonly [string, string])[] = [
  ['huge string', "let s = 'x'; for (;;) s += s;"],
  ['huge repeat', "const s = 'x'.repeat(2 ** 30 - 1); s.length;"],
  ['huge array', 'const a = []; for (;;) a.push(new Array(1e6).fill(1));'],
  ['huge typed array', 'new Float64Array(2 ** 31);'],
  ['many typed arrays', 'const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1));'],
  ['huge BigInt', 'const b = 2n ** 100000000000n; b.toString();'],
  ['object without an end', 'let o = {}; for (;;) o = { o };'],
  ['map without an end', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, { i });'],
  ['flood of microtasks', 'for (;;) Promise.resolve().then(() => [1, 2, 3]);'],
];

const DEEP: readonly (readonly [string, string])[] = [
  ['recursion', 'const f = () => f(); f();'],
  ['recursion by a getter', 'const o = { get a() { return this.a; } }; o.a;'],
  ['recursion by a proxy', 'const p = new Proxy({}, { get(t, k, r) { return r[k]; } }); p.a;'],
  ['recursion by toString', 'const o = { toString() { return `${this}`; } }; `${o}`;'],
  ['deep JSON', "JSON.parse('['.repeat(200000));"],
  ['deep eval', "eval('('.repeat(200000));"],
  ['deep regular expression', "new RegExp('('.repeat(200000) + ')'.repeat(200000));"],
];

/** What a node of the host would have; each way that finds nothing throws by itself or says so. */
const ESCAPES: readonly (readonly [string, string])[] = [
  ['require', "require('node:fs').readFileSync('/etc/passwd', 'utf8');"],
  ['require of the API that goes on', "require('espalier/../../node_modules/typescript');"],
  ['process', 'process.exit(1);'],
  ['environment', "throw new Error('PATH is ' + process.env.PATH);"],
  ['global of the host', "globalThis.process.binding('fs');"],
  [
    'walk of the globals',
    'const names = Object.getOwnPropertyNames(globalThis).filter((n) => /process|require|fetch|Worker|Deno|std|os|bjson/.test(n)); throw new Error(`found ${names.length}`);',
  ],
  ['constructor of a function', "(() => 0).constructor('return process')().exit();"],
  [
    'constructor of an async function',
    "(async () => 0).constructor('return process')().then((p) => p.exit()); throw new Error('only a promise');",
  ],
  ['constructor of a generator', "(function* () {}).constructor('yield process')().next().value.exit();"],
  ['constructor of what the host gave', "add.constructor('return this')().process.exit();"],
  ['arguments of the loader', 'arguments.callee.caller.constructor("return process")().exit();'],
  [
    'stack of an error',
    "Error.prepareStackTrace = (_e, frames) => frames; new Error('x').stack[0].getThis().process.exit();",
  ],
  ['fetch', "fetch('http://127.0.0.1:1/');"],
  ['web socket', "new WebSocket('ws://127.0.0.1:1/');"],
  ['worker', "new Worker('data:text/javascript,1');"],
  ['timer', 'setTimeout(() => 0, 0);'],
  ['web assembly', 'new WebAssembly.Memory({ initial: 1 });'],
  ['shared memory', 'new SharedArrayBuffer(8);'],
  ['clock', 'throw new Error(`now ${new Date().getTime()}`);'],
  ['random numbers', 'const r = Math.random(); add(x, r);'],
  ['module of the machine', "std.loadFile('/etc/passwd');"],
  ['operating system of the machine', "os.exec(['true']);"],
  ['answer of the harness', "espalierAnswer(() => 0, '{}');"],
  [
    'dynamic import',
    "import('node:fs').then((fs) => fs.readFileSync('/etc/passwd')); throw new Error('only a promise');",
  ],
];

const POLLUTION: readonly (readonly [string, string])[] = [
  ['JSON replaced', 'JSON.stringify = () => \'{"ok":{"polluted":true}}\';'],
  ['array iteration replaced', 'Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1; };'],
  ['map replaced', "Map.prototype.get = () => { throw new Error('mine now'); };"],
  [
    'string replaced',
    "String.prototype.replace = () => '__proto__';String.prototype.split = () => ['__proto__'];Array.prototype.join = () => '__proto__';",
  ],
  ['JSON that floods', "JSON.stringify = () => '['.repeat(1e6);"],
  ['JSON that is too long', "JSON.stringify = () => '\"' + 'x'.repeat(3e6) + '\"';"],
  ['JSON with a prototype', 'JSON.stringify = () => \'{"ok":{"__proto__":{"polluted":1},"outputs":[]}}\';'],
  [
    'JSON with other functions',
    'JSON.stringify = () => \'{"ok":{"outputs":[["y",{"kind":"tensor","count":1}]],"functions":[],"main":{},"wires":9,"declarations":[],"taps":[]}}\';',
  ],
  ['an error that is a text', "throw 'only text';"],
  ['an error whose message is a getter that loops', 'throw { get message() { for (;;); } };'],
  ['an error with a megabyte', "throw new Error('x'.repeat(3e6));"],
];

const evilName = (text: string): HostileNode =>
  gives(
    `parameter named ${JSON.stringify(text).slice(0, 30)}`,
    `{ y: tensor(matmul(x, scope.param(${JSON.stringify(text)}, [d, d], zeros))) }`,
  );

const DATA: readonly HostileNode[] = [
  gives('nothing', 'undefined'),
  gives('a number', '7'),
  gives('another output', '{ z: tensor(x) }'),
  gives('no tensor', "{ y: { kind: 'tensor', value: { id: 0 } } }"),
  gives('a tensor that it made up', '{ y: tensor({ ...x, id: 999999 }) }'),
  gives(
    'a tensor of another type than it has',
    "{ y: tensor(matmul({ ...x, type: { dtype: 'f32', shape: [2, 2] } }, w)) }",
  ),
  gives('another kind', "{ y: { kind: 'kv', keys: x, values: x } }"),
  gives('a getter that throws', "{ get y() { throw new Error('not now'); } }"),
  gives(
    'a proxy',
    'new Proxy({}, { ownKeys: () => ["__proto__"], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: tensor(x) }) })',
  ),
  gives('an axis that is not a number', '{ y: tensor(matmul(x, scope.param("w2", [d, NaN], zeros))) }'),
  gives('a negative axis', '{ y: tensor(matmul(x, scope.param("w2", [d, -4], zeros))) }'),
  gives('half an axis', '{ y: tensor(matmul(x, scope.param("w2", [d, 0.5], zeros))) }'),
  gives('an endless axis', '{ y: tensor(matmul(x, scope.param("w2", [d, Infinity], zeros))) }'),
  gives('an axis of a foreign symbol', '{ y: tensor(matmul(x, scope.param("w2", [d, "Z*Z"], zeros))) }'),
  gives('a tensor as large as a country', '{ y: tensor(matmul(x, scope.param("w2", [d, 2 ** 30], zeros))) }'),
  gives('a thousand axes', '{ y: tensor(scope.param("w2", Array.from({ length: 1000 }, () => 1), zeros)) }'),
  gives('a parameter per token', '{ y: tensor(mul(x, scope.param("w2", x.type.shape, zeros))) }'),
  gives(
    'a start that does not exist',
    '{ y: tensor(matmul(x, scope.param("w2", [d, d], { kind: "file", path: "/etc/passwd" }))) }',
  ),
  gives(
    'a start that is not a number',
    '{ y: tensor(matmul(x, scope.param("w2", [d, d], { kind: "constant", value: NaN }))) }',
  ),
  gives('a program without an end', '{ y: tensor(x) }', 'let h = x; for (let i = 0; i < 100000; i++) h = add(h, 1);'),
  gives(
    'ten thousand parameters',
    '{ y: tensor(x) }',
    'for (let i = 0; i < 10000; i++) scope.param(`p${i}`, [1], zeros);',
  ),
  gives(
    "another model's weights",
    "{ y: tensor(matmul(x, scope.weight('v', [d, d], { artifact: '../other/model', tensor: 'weight' }))) }",
  ),
  gives(
    'a weight with a path',
    "{ y: tensor(matmul(x, scope.weight('v', [d, d], { artifact: 'backbone', tensor: '../../etc/passwd' }))) }",
  ),
  gives("the batch's labels", "{ y: tensor(add(x, scope.global('batch/labels', { dtype: 'f32', shape: [1] }))) }"),
  gives(
    'a state',
    "{ y: tensor(add(x, scope.declare({ name: 's', role: 'state', type: { dtype: 'f32', shape: [1] }, scope: 'model' }))) }",
  ),
  gives('an operation that does not exist', "{ y: tensor(x.emitter.emit('system', [x], { command: 'true' })[0]) }"),
  gives('an operation with odd attributes', '{ y: tensor(x) }', "x.emitter.emit('neg', [x], { path: '/etc/passwd' });"),
  evilName('"; import os #'),
  evilName("a'\n    import os\n"),
  evilName('../../w'),
  evilName('__proto__'),
  evilName('a b'),
  evilName('\u202ew'),
  { name: 'a title with a direction mark', source: nodeWith({ title: "'\\u202eevil'" }) },
  { name: 'a title of a megabyte', source: nodeWith({ title: "'x'.repeat(1e6)" }) },
  { name: 'a title that is an object', source: nodeWith({ title: "{ toString: () => 'Good' }" }) },
  { name: 'another type', source: nodeWith().replace("'custom.good'", "'peft.lora'") },
  { name: 'a version of letters', source: nodeWith().replace('version: 1', "version: '1; import os'") },
  {
    name: 'a parameter with a default that does not fit',
    source: nodeWith({ params: "size: int(4, 'Width.', { min: 8 })" }),
  },
  { name: 'a parameter named __proto__', source: nodeWith({ params: "['__proto__']: int(4, 'Width.')" }) },
  { name: 'a bank', source: nodeWith({ fields: 'bank: true,' }) },
  { name: 'no node', source: 'export const other = 1;' },
  { name: 'a node that is a function', source: 'export const node = () => 1;' },
  {
    name: 'a build that is no function',
    source: nodeWith().replace(/build: \([^]*$/, "build: 'x' as never,\n});"),
  },
  { name: 'syntax', source: 'export const node = defineNode({' },
  { name: 'an import of a module of Node', source: `import fs from 'node:fs';\n${nodeWith()}` },
  { name: 'an import of a file', source: `import x from '../../secret.ts';\n${nodeWith()}` },
  { name: 'an export from elsewhere', source: `export * from 'node:fs';\n${nodeWith()}` },
  { name: 'a source of a megabyte', source: `${nodeWith()}\n//${'x'.repeat(1e6)}` },
  { name: 'a source of brackets', source: '('.repeat(90_000) },
  {
    name: 'a stack',
    source: nodeWith({
      build: "scope.repeat([scope.finish({ nodeType: 'x', doc: '', args: {} }, [['h', x]], 1)], 's', 0, [x], [], {});",
    }),
  },
];

export const HOSTILE: readonly HostileNode[] = [
  ...LOOPS.flatMap(([name, code]) => both(name, code)),
  ...MEMORY.map(([name, code]) => inBuild(name, code)),
  ...DEEP.map(([name, code]) => inBuild(name, code)),
  ...ESCAPES.map(([name, code]) => inBuild(name, code)),
  ...POLLUTION.map(([name, code]) => inBuild(name, code)),
  ...DATA,
];

/** Odd, but what they make is an ordinary module: they are taken, and it is the module of a good node. */
export const HARMLESS: readonly HostileNode[] = [
  inBuild(
    'a getter on Object.prototype',
    "Object.defineProperty(Object.prototype, 'kind', { get() { return 'transform'; }, set() {} });",
  ),
  atTop('new methods on Object.prototype', 'Object.prototype.polluted = () => 1;'),
  gives('a getter that changes', '{ get y() { return n++ === 0 ? tensor(matmul(x, w)) : null; } }', 'let n = 0;'),
  gives('a proxy of the right form', 'new Proxy({ y: tensor(matmul(x, w)) }, {})'),
];
