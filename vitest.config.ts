/**
 * How the tests run: two processes at most, so that a run shares a small machine. Long tests run by `npm run test:soak`,
 * figures of the editor by `npm run bench:ui`.
 */
import { defineConfig } from 'vitest/config';

const suite = process.env['ESPALIER_SUITE'];
const soak = suite === 'soak';
const long = soak || suite === 'bench-ui';
const folder = soak ? 'tests/soak/' : suite === 'bench-ui' ? 'tests/bench/ui/' : 'tests/';

// The one default export of the project: vitest asks for it.
export default defineConfig({
  test: {
    include: [`${folder}**/*.test.ts`],
    exclude: long ? [] : ['tests/bench/**', 'tests/soak/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: soak ? 4 * 3600_000 : 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
    allowOnly: false,
  },
});
