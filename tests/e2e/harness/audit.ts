/**
 * How the page looks, asked of the page itself: parts that lie over each other, text that is cut without a tooltip, text and
 * controls that are too small. Contrast and names are axe's work. Sizes count at zoom 1, so what lies on the canvas, which
 * people zoom, is asked for overlaps of parts only.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Findings in words; empty when all holds. */
export async function auditLook(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const found = new Set<string>();
    const isShown = (e: Element): boolean => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const nameOf = (e: Element): string =>
      `<${e.tagName.toLowerCase()}> "${(e.getAttribute('aria-label') ?? e.textContent ?? '').trim().slice(0, 40)}"`;
    const onCanvas = (e: Element): boolean =>
      e.closest('.react-flow__viewport, .react-flow__minimap, .monaco-editor, .katex') !== null;

    const regions = [...document.querySelectorAll('[data-region]')].filter(isShown);
    for (const [i, a] of regions.entries()) {
      const one = a.getBoundingClientRect();
      if (one.left < -1 || one.top < -1 || one.right > innerWidth + 1 || one.bottom > innerHeight + 1)
        found.add(`the ${a.getAttribute('data-region') ?? ''} leaves the window`);
      // Below 1100 px the inspector lies over the canvas on purpose.
      for (const b of regions.slice(i + 1)) {
        if (a.contains(b) || b.contains(a)) continue;
        const names = [a, b].map((e) => e.getAttribute('data-region') ?? '');
        if (innerWidth < 1100 && names.includes('inspector')) continue;
        const other = b.getBoundingClientRect();
        const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
        const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
        if (width > 1 && height > 1) found.add(`${names.join(' and ')} overlap by ${width} x ${height}`);
      }
    }

    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text !== null; text = walker.nextNode()) {
      const e = text.parentElement;
      if (e === null || (text.textContent ?? '').trim() === '' || !isShown(e) || onCanvas(e)) continue;
      const style = getComputedStyle(e);
      const rect = e.getBoundingClientRect();
      // Text for screen readers alone is one pixel large.
      if (rect.width <= 1 || rect.height <= 1) continue;
      if (parseFloat(style.fontSize) < 12) found.add(`${nameOf(e)} has ${style.fontSize} text`);
      const cut = style.overflowX !== 'visible' && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0;
      const scrolls = /auto|scroll/.test(style.overflowX);
      const told = e.closest('[title], [data-state], [aria-label]') !== null || e.matches('input, textarea');
      if (cut && !scrolls && !told) found.add(`${nameOf(e)} is cut without a tooltip`);
    }

    for (const e of document.querySelectorAll(
      'button, [role="button"], [role="tab"], [role="checkbox"], [role="switch"], [role="combobox"], input, select, textarea',
    )) {
      if (!isShown(e) || onCanvas(e) || e.closest('[aria-hidden="true"]') !== null) continue;
      const { width, height } = e.getBoundingClientRect();
      if (width <= 1 || height <= 1) continue;
      // A link in a line of text, and a box whose label is part of the target, may be smaller.
      const label = e.closest('label')?.getBoundingClientRect();
      const [w, h] = [Math.max(width, label?.width ?? 0), Math.max(height, label?.height ?? 0)];
      if (w < 23.5 || h < 23.5) found.add(`${nameOf(e)} is ${Math.round(w)} x ${Math.round(h)} px`);
    }
    return [...found];
  });
}

/** Serious and critical findings of axe, with the elements. */
export async function auditAccess(page: Page): Promise<readonly string[]> {
  // The page's policy refuses scripts from outside, so axe is put in by the debugger's door.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      readonly axe: {
        run(
          context: object,
          options: object,
        ): Promise<{
          violations: {
            id: string;
            impact: string | null;
            help: string;
            nodes: { html: string; any: { message: string }[] }[];
          }[];
        }>;
      };
    };
    const { violations } = await axe.run(
      { exclude: [['.monaco-editor']] },
      { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] },
    );
    return violations
      .filter((v) => v.impact === 'serious' || v.impact === 'critical')
      .flatMap((v) =>
        v.nodes.slice(0, 4).map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? v.help}`),
      );
  });
}
