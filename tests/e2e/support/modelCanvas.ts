/** What tests of a model's canvas share: an example of their own, ports and wires as they are drawn, the file as it is. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { root } from '../../../build/setup.mjs';
import type { Document } from '../../../engine/protocol/document.ts';
import { node, onDisk, runCommand, stillness, type App, type Point } from '../harness/index.ts';

/** Copies the example under a name of its own, because the service keeps documents that are open, and opens it. */
export async function openCopy(app: App, file: string): Promise<void> {
  copyFileSync(join(root, 'examples', 'first-steps.espalier.json'), join(app.workspace, file));
  await app.openDocument(file);
  await node(app.page, 'layers/query').waitFor();
  await app.page.waitForTimeout(600);
}

/** The document as it is on the disk, when it says what is expected. */
export async function savedDocument(app: App, file: string, test: (document: Document) => boolean): Promise<Document> {
  let last: Document | undefined;
  await expect
    .poll(
      async () => {
        await runCommand(app.page, 'file.save');
        last = onDisk(app, file) as Document;
        return test(last);
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  return last as Document;
}

export const bodyOf = (d: Document) => Object.values(d.models)[0]?.nodes['layers' as never]?.body;
export const wires = (d: Document): readonly string[] =>
  (bodyOf(d)?.edges ?? []).map((e) => `${e.from.node}.${e.from.port}->${e.to.node}.${e.to.port}`);

export const portOf = (page: Page, id: string, name: string, side: 'source' | 'target'): Locator =>
  page.locator(`.react-flow__handle.${side}[data-nodeid="${id}"][data-handleid="${name}"]`);

/** A place on a wire near its end, where it lies apart from others; a straight one has a box without height. */
export async function pointOnWire(page: Page, end: string): Promise<Point> {
  await stillness(page);
  return page.locator(`.react-flow__edge[data-id$="${end}"] path.react-flow__edge-path`).evaluate((path) => {
    const line = path as SVGPathElement;
    const at = line.getPointAtLength(line.getTotalLength() * 0.8).matrixTransform(line.getScreenCTM() ?? undefined);
    return { x: at.x, y: at.y };
  });
}
