/** Size and place of the window, kept over restarts. A place that no screen shows any more is given up. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface WindowState {
  readonly bounds?: Rectangle;
  readonly maximized: boolean;
}

export const SMALLEST = { width: 1024, height: 640 };
const USUAL = { width: 1440, height: 900 };
/** As much of the title bar must be on a screen that a hand can grip it. */
const GRIP = { width: 120, height: 40 };

export function readState(file: string): WindowState {
  try {
    const { bounds, maximized } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const state = { maximized: maximized === true };
    return isRectangle(bounds) ? { ...state, bounds } : state;
  } catch {
    return { maximized: false };
  }
}

export function writeState(file: string, state: WindowState): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(state));
    renameSync(`${file}.new`, file);
  } catch {
    // A window that opens at its usual place the next time is no reason to trouble anyone.
  }
}

function isRectangle(value: unknown): value is Rectangle {
  if (typeof value !== 'object' || value === null) return false;
  const { x, y, width, height } = value as Record<string, unknown>;
  return [x, y, width, height].every((n) => Number.isInteger(n) && Math.abs(n as number) < 100_000);
}

/** Where the window opens on these screens (their work areas; the first is the main one). */
export function placeOf(state: WindowState, screens: readonly Rectangle[]): Partial<Rectangle> {
  const [main] = screens;
  const { bounds } = state;
  if (main === undefined) return USUAL;
  const fits = (size: number, smallest: number, largest: number): number =>
    Math.min(Math.max(size, Math.min(smallest, largest)), largest);
  if (bounds === undefined || !screens.some((s) => showsGrip(bounds, s))) {
    const wanted = bounds ?? USUAL;
    return {
      width: fits(wanted.width, SMALLEST.width, main.width),
      height: fits(wanted.height, SMALLEST.height, main.height),
    };
  }
  const widest = Math.max(...screens.map((s) => s.width));
  const tallest = Math.max(...screens.map((s) => s.height));
  return {
    x: bounds.x,
    y: bounds.y,
    width: fits(bounds.width, SMALLEST.width, widest),
    height: fits(bounds.height, SMALLEST.height, tallest),
  };
}

function showsGrip(bounds: Rectangle, screen: Rectangle): boolean {
  const width = Math.min(bounds.x + bounds.width, screen.x + screen.width) - Math.max(bounds.x, screen.x);
  const top = bounds.y - screen.y;
  return width >= GRIP.width && top >= -8 && top <= screen.height - GRIP.height;
}
