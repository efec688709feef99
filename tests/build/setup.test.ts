/** Setup and bundling without a network: when nothing is to do, who waits for whom, and when a bundle is made anew. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bundle } from '../../build/bundle.mjs';
import { ensureNode, ensurePython, root, withLock } from '../../build/setup.mjs';
import { scratch, write } from './scratch.ts';

const lockfile = (...entries: readonly (readonly [string, object])[]): string =>
  JSON.stringify({ packages: Object.fromEntries(entries) });

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('ensureNode', () => {
  it('installs nothing when node_modules holds what the lockfile asks for', () => {
    const zod = ['node_modules/zod', { version: '4.0.0' }] as const;
    const other = ['node_modules/other-system', { version: '1.0.0', optional: true }] as const;
    const folder = scratch({
      'package-lock.json': lockfile(['', { name: 'x' }], zod, other),
      'node_modules/.package-lock.json': lockfile(zod),
    });
    ensureNode(folder);
    expect(existsSync(join(folder, '.cache', 'node.stamp'))).toBe(true);
    expect(existsSync(join(folder, '.cache', 'node.lock'))).toBe(false);
  });

  const changed = {
    'package-lock.json': lockfile(['node_modules/zod', { version: '4.0.1' }]),
    'node_modules/.package-lock.json': lockfile(['node_modules/zod', { version: '4.0.0' }]),
  };

  it('runs npm ci when a version differs, once', () => {
    const npm = `
      const fs = require('node:fs');
      fs.appendFileSync('calls', process.argv.slice(2).join(' ') + ';');
      fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json');`;
    const folder = scratch({ ...changed, 'npm.js': npm });
    vi.stubEnv('npm_execpath', join(folder, 'npm.js'));
    ensureNode(folder);
    ensureNode(folder);
    expect(readFileSync(join(folder, 'calls'), 'utf8')).toBe('ci --no-audit --no-fund --loglevel=error;');
  });

  it('tells the failure of npm ci, and tries again the next time', () => {
    const folder = scratch({ ...changed, 'npm.js': 'process.exit(3);' });
    vi.stubEnv('npm_execpath', join(folder, 'npm.js'));
    for (const _ of [1, 2]) {
      expect(() => {
        ensureNode(folder);
      }).toThrow(/ci .*: exit code 3\. npm ci failed/);
    }
    expect(existsSync(join(folder, '.cache', 'node.lock'))).toBe(false);
  });
});

describe('ensurePython', () => {
  it('does nothing in a project without an oracle', () => {
    expect(ensurePython(scratch({}))).toBeUndefined();
  });

  it('says which Python is needed where there is none', () => {
    vi.stubEnv('ESPALIER_PYTHON', 'no-such-python');
    const folder = scratch({ 'tests/oracle/requirements.txt': 'torch==1.0\n' });
    expect(() => ensurePython(folder)).toThrow(/Python 3\.10 to 3\.13 is needed .* none of no-such-python is one/);
    expect(existsSync(join(folder, '.cache', 'python.lock'))).toBe(false);
  });
});

describe('withLock', () => {
  it('lets one process in at a time', async () => {
    const folder = scratch({ log: '' });
    const setup = pathToFileURL(join(root, 'build', 'setup.mjs')).href;
    const script = `
      import { appendFileSync } from 'node:fs';
      import { withLock } from ${JSON.stringify(setup)};
      withLock(${JSON.stringify(folder)}, 'x', () => {
        appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'in ');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'out ');
      });`;
    const runs = [1, 2, 3].map(
      () =>
        new Promise<number | null>((done) => {
          spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' }).on('exit', done);
        }),
    );
    expect(await Promise.all(runs)).toEqual([0, 0, 0]);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('in out in out in out ');
  });

  it('takes over the lock of a process that died', () => {
    // Process numbers end below 2^22 on Linux and far below 2^31 elsewhere.
    const folder = scratch({ 'x.lock/pid': '2147483000' });
    let ran = false;
    withLock(folder, 'x', () => {
      ran = true;
    });
    expect(ran).toBe(true);
    expect(existsSync(join(folder, 'x.lock'))).toBe(false);
  });

  it('takes over a lock whose process died before it wrote its number', () => {
    const folder = scratch({});
    mkdirSync(join(folder, 'x.lock'));
    const old = new Date(Date.now() - 60_000);
    utimesSync(join(folder, 'x.lock'), old, old);
    expect(() => {
      withLock(folder, 'x', () => undefined);
    }).not.toThrow();
  });

  it('is free again after a failure', () => {
    const folder = scratch({});
    expect(() => {
      withLock(folder, 'x', () => {
        throw new Error('no');
      });
    }).toThrow('no');
    expect(existsSync(join(folder, 'x.lock'))).toBe(false);
  });
});

describe('bundle', () => {
  const files = {
    'engine/cli/main.ts': `import { answer } from '../base/answer.ts';\nexport const main = (): number => answer;\n`,
    'engine/base/answer.ts': 'export const answer: number = 1;\n',
    'package-lock.json': '{}',
  };

  async function answerOf(file: string): Promise<unknown> {
    const loaded = (await import(`${pathToFileURL(file).href}?${Math.random()}`)) as { main: () => unknown };
    return loaded.main();
  }

  it('is made once, and again when a source changed', async () => {
    const folder = scratch(files);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const make = (): Promise<string> => bundle('engine/cli/main.ts', 'cli', ['engine', 'nodes'], folder);
    const out = await make();
    expect(await answerOf(out)).toBe(1);

    const mark = '\n// kept\n';
    writeFileSync(out, readFileSync(out, 'utf8') + mark);
    await make();
    expect(readFileSync(out, 'utf8')).toContain(mark);

    write(folder, 'engine/base/answer.ts', 'export const answer: number = 42;\n');
    await make();
    expect(await answerOf(out)).toBe(42);
  });

  it('keeps the old bundle when a source is broken, and says so', async () => {
    const folder = scratch(files);
    const make = (): Promise<string> => bundle('engine/cli/main.ts', 'cli', ['engine'], folder);
    const out = await make();
    write(folder, 'engine/base/answer.ts', 'export const answer: number = ;\n');
    await expect(make()).rejects.toThrow(/answer\.ts/);
    expect(await answerOf(out)).toBe(1);
    write(folder, 'engine/base/answer.ts', 'export const answer: number = 7;\n');
    expect(await answerOf(await make())).toBe(7);
  });
});
