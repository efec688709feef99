/**
 * How the tests run: two processes at most, so that a run shares a small machine. Long tests run by `npm run test:soak`,
 * figures of the editor by `npm run bench:ui`.
 */
import { defineConfig } from 'vitest/config';

const suite = process.env['ESPALIER_SUITE'];
const soak = suite === 'soak';

/**
 * End-to-end tests that have not been seen to pass twice, all of a file in one run, in a fresh clone. `npm run test:e2e`
 * runs them with the others; a file that passed is taken off this list.
 */
const NOT_IN_EVERY_RUN = [
  'tests/e2e/canvas.test.ts',
  'tests/e2e/canvasTools.test.ts',
  'tests/e2e/code.test.ts',
  'tests/e2e/data.test.ts',
  'tests/e2e/inspector.test.ts',
  'tests/e2e/look.test.ts',
  'tests/e2e/matrix.test.ts',
  'tests/e2e/results.test.ts',
  'tests/e2e/runs.test.ts',
  'tests/e2e/shell.test.ts',
  'tests/e2e/shellCommands.test.ts',
  'tests/e2e/shellFaults.test.ts',
  'tests/e2e/sources.test.ts',
  'tests/e2e/start.test.ts',
  'tests/e2e/startKeys.test.ts',
  'tests/electron/app/**',
];

/** Which files each suite runs. */
const FILES: Readonly<Record<string, { readonly include: string[]; readonly exclude: string[] }>> = {
  soak: { include: ['tests/soak/**/*.test.ts'], exclude: [] },
  'bench-ui': { include: ['tests/bench/ui/**/*.test.ts'], exclude: [] },
  e2e: { include: ['tests/e2e/**/*.test.ts', 'tests/electron/**/*.test.ts'], exclude: [] },
  usual: { include: ['tests/**/*.test.ts'], exclude: ['tests/bench/**', 'tests/soak/**', ...NOT_IN_EVERY_RUN] },
};

// The one default export of the project: vitest asks for it.
export default defineConfig({
  test: {
    ...FILES[suite ?? 'usual'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: soak ? 4 * 3600_000 : 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    allowOnly: false,
  },
});
