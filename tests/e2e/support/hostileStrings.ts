/** Texts that would do something if a page took them for more than text, and the look whether one did. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** What a text would do if it were taken as HTML, script, formula, link or style: leave a mark on the window. */
const MARK = 'window.hostile=1';
const ATTACKS: readonly ((n: number) => string)[] = [
  (n) => `<img src=x${n} data-hostile onerror="${MARK}">`,
  (n) => `</script><script data-hostile>${MARK};${n}</script>`,
  (n) => `"><svg data-hostile onload="${MARK}"><a id=${n}>`,
  (n) => `<iframe data-hostile srcdoc="<script>parent.${MARK}</script>${n}"></iframe>`,
  (n) => `[link ${n}](javascript:${MARK}) ![x](http://127.0.0.1:9/${n}.png)`,
  (n) => `$\\href{javascript:${MARK}}{x}$ \\includegraphics{http://127.0.0.1:9/${n}}`,
  (n) => `</style><style data-hostile>*{background:url(http://127.0.0.1:9/${n})}</style>`,
  (n) => `{{constructor.constructor('${MARK}')()}} \${${MARK}} ${n}`,
  (n) => `__proto__ constructor ${n} \u202e\u200b\u0007 ${'W'.repeat(300)}`,
];
let made = 0;
/** Another one with each call. */
export const hostile = (): string => {
  made += 1;
  return (ATTACKS[made % ATTACKS.length] as (n: number) => string)(made);
};

/** Nothing ran and nothing became an element. */
export async function harmless(page: Page): Promise<void> {
  expect(
    await page.evaluate(() => ({
      ran: (window as { hostile?: number }).hostile === 1,
      polluted: ({} as { polluted?: unknown }).polluted !== undefined,
      elements: document.querySelectorAll('[data-hostile], a[href^="javascript:"], iframe, img[src^="http"]').length,
    })),
  ).toEqual({ ran: false, polluted: false, elements: 0 });
}
