import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builtPage } from '../e2e/harness/index.ts';

/** What only React's development build has in it, several times slower than the other. */
const DEVELOPMENT = /react_stack_bottom_frame|jsxDEV\b/;

it('builds the page for production, whatever surroundings it is built in', () => {
  expect(process.env['NODE_ENV']).toBe('test');
  const assets = join(builtPage(), 'assets');
  const own = readdirSync(assets).filter((name) => /^index-.*\.js$/.test(name));
  expect(own).toHaveLength(1);
  for (const name of own) expect(readFileSync(join(assets, name), 'utf8')).not.toMatch(DEVELOPMENT);
});
