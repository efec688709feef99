/**
 * What no page may do in any test: throw, write an error to the console, break its own content security policy, or ask
 * another origin for anything. What it did is collected, and the test in which it happened fails.
 */
import type { BrowserContext, Page } from 'playwright-core';

export interface Guard {
  /** Problems since the last call, without those that the test expects. */
  take(): readonly string[];
  /** Problems that match belong to what the running test provokes. */
  expect(pattern: RegExp): void;
}

const CSP_MARK = 'content-security-policy violated:';

export async function guardContext(context: BrowserContext, origin: () => string): Promise<Guard> {
  let problems: string[] = [];
  let expected: RegExp[] = [];
  const note = (text: string): void => {
    problems.push(text.slice(0, 2000));
  };
  await context.addInitScript((mark: string) => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(mark, event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber, event.sample);
    });
  }, CSP_MARK);
  const watch = (page: Page): void => {
    page.on('pageerror', (error) => note(`page error: ${error.stack ?? error.message}`));
    page.on('crash', () => note('the page crashed'));
    page.on('console', (message) => {
      if (message.type() === 'error') note(`console error: ${message.text()} (${message.location().url})`);
    });
  };
  context.on('page', watch);
  context.pages().forEach(watch);
  context.on('request', (request) => {
    const url = request.url();
    if (!/^(data|blob|about|devtools):/.test(url) && new URL(url).origin !== origin()) note(`foreign request: ${url}`);
  });
  return {
    take: () => {
      const found = problems.filter((p) => !expected.some((e) => e.test(p)));
      problems = [];
      expected = [];
      return found;
    },
    expect: (pattern) => void expected.push(pattern),
  };
}
