/**
 * How the tests run: two processes at most, so that a run shares a small machine. Long tests run by `npm run test:soak`,
 * figures of the editor by `npm run bench:ui`.
 */
import { defineConfig } from 'vitest/config';

const suite = process.env['ESPALIER_SUITE'];
const soak = suite === 'soak';

/** A real browser or a real shell each: one after the other, because they look at what a person sees and when. */
const END_TO_END = ['tests/e2e/**/*.test.ts', 'tests/electron/app/**/*.test.ts'];

/** Which files each suite runs. */
const FILES: Readonly<Record<string, { readonly include: string[]; readonly exclude: string[] }>> = {
  soak: { include: ['tests/soak/**/*.test.ts'], exclude: [] },
  'bench-ui': { include: ['tests/bench/ui/**/*.test.ts'], exclude: [] },
  e2e: { include: END_TO_END, exclude: [] },
  usual: { include: ['tests/**/*.test.ts'], exclude: ['tests/bench/**', 'tests/soak/**', ...END_TO_END] },
};

// The one default export of the project: vitest asks for it.
export default defineConfig({
  test: {
    ...FILES[suite ?? 'usual'],
    pool: 'forks',
    maxWorkers: suite === 'e2e' ? 1 : 2,
    // A browser on a machine that is busy with other things gets one more attempt; `npm test` names the tests that took it.
    retry: suite === 'e2e' ? 1 : 0,
    testTimeout: soak ? 4 * 3600_000 : 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    allowOnly: false,
  },
});
