/** Records frames while a hand moves the mouse, and what is in view meanwhile. */
import type { Page } from 'playwright-core';

export interface Frames {
  readonly frames: number;
  /** Share of frames that took 18 ms or less. */
  readonly smooth: number;
  readonly p95: number;
  readonly worst: number;
  /** Cards that lie in the view, and how much of their faces is drawn. */
  readonly inView: number;
  readonly detail: string;
}

export const percentile = (list: readonly number[], share: number): number =>
  [...list].sort((a, b) => a - b)[Math.max(0, Math.ceil(share * list.length) - 1)] ?? 0;

/** Records from the first frame after the call until `work` ends. */
export async function record(page: Page, work: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const scope = globalThis as unknown as { frames?: number[]; recording?: boolean };
    const frames: number[] = [];
    let last: number | undefined;
    scope.frames = frames;
    scope.recording = true;
    const tick = (now: number): void => {
      if (last !== undefined) frames.push(now - last);
      last = now;
      if (scope.recording === true) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await work();
  const { frames, inView, detail } = await page.evaluate(() => {
    const scope = globalThis as unknown as { frames?: number[]; recording?: boolean };
    scope.recording = false;
    const flow = document.querySelector('[data-canvas]');
    const view = flow?.getBoundingClientRect() ?? new DOMRect();
    const cards = [...document.querySelectorAll('.react-flow__node')].filter((card) => {
      const box = card.getBoundingClientRect();
      return box.right > view.left && box.left < view.right && box.bottom > view.top && box.top < view.bottom;
    });
    return { frames: scope.frames ?? [], inView: cards.length, detail: flow?.getAttribute('data-detail') ?? 'none' };
  });
  return {
    frames: frames.length,
    smooth: frames.filter((f) => f <= 18).length / Math.max(1, frames.length),
    p95: percentile(frames, 0.95),
    worst: Math.max(0, ...frames),
    inView,
    detail,
  };
}

/** Moves the pressed mouse to and fro for a time, as fast as a hand does. */
export async function sway(page: Page, at: { x: number; y: number }, milliseconds: number): Promise<void> {
  await page.mouse.move(at.x, at.y);
  await page.mouse.down();
  const end = Date.now() + milliseconds;
  for (let i = 0; Date.now() < end; i++) {
    await page.mouse.move(at.x + 60 * Math.sin(i / 8), at.y + 40 * Math.sin(i / 5));
  }
  await page.mouse.up();
}

/** Turns the wheel in and out. */
export async function wheel(page: Page, at: { x: number; y: number }, milliseconds: number): Promise<void> {
  await page.mouse.move(at.x, at.y);
  const end = Date.now() + milliseconds;
  for (let i = 0; Date.now() < end; i++) {
    await page.mouse.wheel(0, (i >> 3) % 2 === 0 ? -12 : 12);
    await page.waitForTimeout(8);
  }
}

/** Milliseconds of each key: until the next paint, and of them in handlers and React's commit. */
export interface KeyTimes {
  readonly toPaint: readonly number[];
  readonly handling: readonly number[];
}

/** What the browser itself measures of keys (Event Timing), which leaves out those that took less than 16 ms in all. */
export async function keyTimes(page: Page, work: () => Promise<void>): Promise<KeyTimes> {
  await page.evaluate(() => {
    const scope = globalThis as { times?: Record<string, number[]>; observer?: PerformanceObserver };
    const times: Record<string, number[]> = { toPaint: [], handling: [] };
    scope.times = times;
    scope.observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceEventTiming[]) {
        if (entry.name === 'keydown') times['toPaint']?.push(entry.duration);
        if (entry.name === 'input') times['handling']?.push(entry.processingEnd - entry.processingStart);
      }
    });
    scope.observer.observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  await work();
  await page.waitForTimeout(300);
  return page.evaluate(() => {
    const scope = globalThis as unknown as { times: KeyTimes; observer?: PerformanceObserver };
    scope.observer?.disconnect();
    return scope.times;
  });
}
