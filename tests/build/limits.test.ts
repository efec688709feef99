/** The limits on files: what they refuse and with which words. */
import { describe, expect, it } from 'vitest';
import { spawnSync } from 'node:child_process';
import { checkLimits } from '../../build/limits.mjs';
import { scratch } from './scratch.ts';

const linesOf = (n: number): string => 'const x = 1;\n'.repeat(n);

function problemsOf(files: Readonly<Record<string, string>>, options?: Parameters<typeof checkLimits>[1]): string[] {
  const { problems } = checkLimits(scratch(files), options);
  return problems.map((p) => `${p.file}${p.line === undefined ? '' : `:${p.line}`}: ${p.message}`);
}

describe('length', () => {
  it('is 400 lines for a source, 600 for a test, and free for other files', () => {
    const files = {
      'engine/a.ts': linesOf(400),
      'engine/b.ts': linesOf(401),
      'tests/a.test.ts': linesOf(600),
      'tests/b.test.ts': linesOf(601),
      'tests/oracle/c.py': linesOf(601),
      'README.md': linesOf(1000),
    };
    expect(problemsOf(files)).toEqual([
      'engine/b.ts: has 401 lines, the limit is 400. Split it by idea.',
      'tests/b.test.ts: has 601 lines, the limit is 600. Split it by idea.',
      'tests/oracle/c.py: has 601 lines, the limit is 600. Split it by idea.',
    ]);
  });

  it('lets a listed table be longer, and refuses a listing that is not needed', () => {
    const exemptions = [
      { file: 'engine/table.ts', reason: 'a table' },
      { file: 'engine/short.ts', reason: 'was long' },
    ];
    const files = { 'engine/table.ts': linesOf(500), 'engine/short.ts': linesOf(5) };
    expect(problemsOf(files, { exemptions })).toEqual([
      'engine/short.ts: needs no exemption from the length limit any more.',
    ]);
  });
});

describe('text', () => {
  // Put together from parts, since this file must keep the limits too.
  const host = ['registry', 'npmjs', 'org'].join('.');
  const place = `/${'work'}/main`;
  const later = `TO${'DO'}`;

  it.each([
    ['package-lock.json', `{"resolved": "https://${host}/zod"}`, 'names a package registry'],
    ['engine/a.ts', `const p = '${place}/x';`, 'absolute path of one machine'],
    ['README.md', `Open file://${place}.`, 'absolute path of one machine'],
    ['tests/a.py', `sys.path.append("/${'tmp'}/venv/lib")`, 'absolute path of one machine'],
    ['engine/a.ts', `const t: Partial${'<'}{ [K in Op]: Rule }> = {};`, 'table with holes'],
    ['engine/a.ts', `const t: Partial${'<'}Record<Op, Rule>> = {};`, 'table with holes'],
    ['engine/a.ts', `// ${later}: later`, 'leaves work for later'],
  ])('%s: %s', (file, text, reason) => {
    expect(problemsOf({ [file]: `\n${text}\n` })).toEqual([expect.stringMatching(`^${file}:2: .*${reason}`)]);
  });

  it.each(['../shared/data', 'frame/work/done', 'https://example.org/root/x', './work/x'])('accepts %s', (text) => {
    expect(problemsOf({ 'README.md': `${text}\n` })).toEqual([]);
  });

  it('is not looked for in binary files', () => {
    expect(problemsOf({ 'a.bin': `\0${place}` })).toEqual([]);
  });
});

describe('size and choice of files', () => {
  it('refuses large files', () => {
    expect(problemsOf({ 'a.bin': 'x'.repeat(11) }, { largest: 10 })).toEqual([
      expect.stringContaining('a.bin: has 11 bytes'),
    ]);
  });

  it('looks at what git tracks or would track', () => {
    const folder = scratch({ '.gitignore': 'made/\n', 'made/a.ts': linesOf(500), 'engine/a.ts': linesOf(500) });
    expect(spawnSync('git', ['init', '-q'], { cwd: folder }).status).toBe(0);
    expect(checkLimits(folder).problems.map((p) => p.file)).toEqual(['engine/a.ts']);
  });
});
