/** What a person does with the mouse on a canvas: drag nodes, wires and modules; all in steps, as a hand moves. */
import type { Locator, Page } from 'playwright-core';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The card of a node, by its path in the document as React Flow knows it. */
export function node(page: Page, id: string): Locator {
  return page.locator(`.react-flow__node[data-id="${id}"]`);
}

export function handle(page: Page, nodeId: string, port: string): Locator {
  return page.locator(`.react-flow__handle[data-nodeid="${nodeId}"][data-handleid="${port}"]`);
}

export function edges(page: Page): Locator {
  return page.locator('.react-flow__edge');
}

/** Waits until the view and the cards stand still: a layout or a zoom moves what a test is about to aim at. */
export async function stillness(page: Page): Promise<void> {
  const places = (): Promise<string> =>
    page.evaluate(() =>
      [...document.querySelectorAll('.react-flow__viewport, .react-flow__node, .react-flow__edge-path')]
        .map((e) => {
          const { x, y, width, height } = e.getBoundingClientRect();
          return [x, y, width, height].map(Math.round).join(' ');
        })
        .join(';'),
    );
  let before = await places();
  for (let still = 0, i = 0; still < 3 && i < 60; i++) {
    await page.waitForTimeout(100);
    const now = await places();
    still = now === before ? still + 1 : 0;
    before = now;
  }
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** Where an element is, once everything stands still. */
export async function boxOf(target: Locator): Promise<Box> {
  await stillness(target.page());
  const box = await target.boundingBox();
  if (box === null) throw new Error(`The element is not on the screen: ${await target.count()} of them on the page.`);
  return box;
}

export async function centre(target: Locator): Promise<Point> {
  const box = await boxOf(target);
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Presses, moves in steps, waits where a hand would, and lets go. */
export async function drag(page: Page, from: Point, to: Point, options: DragOptions = {}): Promise<void> {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  const steps = options.steps ?? 12;
  for (let i = 1; i <= steps; i++) {
    await page.mouse.move(from.x + ((to.x - from.x) * i) / steps, from.y + ((to.y - from.y) * i) / steps);
  }
  // A wire lights up after 120 ms; a person lets go when it does.
  await page.waitForTimeout(options.holdMs ?? 200);
  await options.beforeDrop?.();
  await page.mouse.up();
}

export interface DragOptions {
  readonly steps?: number;
  readonly holdMs?: number;
  /** Looks at the picture while the thing is still held. */
  readonly beforeDrop?: () => Promise<void>;
}

/** Drags a card by a distance; it is taken near its upper left, where its title is. */
export async function dragNode(page: Page, id: string, by: Point, options?: DragOptions): Promise<void> {
  const box = await boxOf(node(page, id));
  const from = { x: box.x + Math.min(40, box.width / 2), y: box.y + Math.min(14, box.height / 2) };
  await drag(page, from, { x: from.x + by.x, y: from.y + by.y }, options);
}

/** Drags a wire from a port to another, or to a point of the canvas. */
export async function dragWire(page: Page, from: Locator, to: Locator | Point, options?: DragOptions): Promise<void> {
  const target = 'x' in to ? to : await centre(to);
  await drag(page, await centre(from), target, options);
}

/** Drags something with the browser's own drag and drop (a module of the palette) to a point of the canvas. */
export async function dragOnto(page: Page, from: Locator, to: Point, options?: DragOptions): Promise<void> {
  await drag(page, await centre(from), to, options);
}
