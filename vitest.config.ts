/** How the tests run: two processes at most, so that a run shares a small machine; long tests only by `npm run test:soak`. */
import { defineConfig } from 'vitest/config';

const soak = process.env['ESPALIER_SUITE'] === 'soak';

// The one default export of the project: vitest asks for it.
export default defineConfig({
  test: {
    include: soak ? ['tests/soak/**/*.test.ts'] : ['tests/**/*.test.ts'],
    exclude: soak ? [] : ['tests/bench/**', 'tests/soak/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: soak ? 4 * 3600_000 : 300_000,
    hookTimeout: 300_000,
    passWithNoTests: false,
    allowOnly: false,
  },
});
