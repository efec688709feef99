/** The parts of the window in the order of F6: header, rail, canvas, inspector, drawer, status. */
export const REGIONS = ['header', 'rail', 'canvas', 'inspector', 'drawer', 'status'] as const;
export type Region = (typeof REGIONS)[number];

const FOCUSABLE = 'a[href], button, input, select, textarea, [tabindex]:not([tabindex="-1"])';

/** Moves the focus to the next part that is shown: to the canvas itself, elsewhere to the first control. */
export function focusRegion(step: 1 | -1): void {
  const shown = REGIONS.flatMap((region) => document.querySelector<HTMLElement>(`[data-region="${region}"]`) ?? []);
  const at = shown.findIndex((element) => element.contains(document.activeElement));
  const next = shown[(at + step + shown.length) % shown.length];
  if (next) focusIn(next);
}

export function focusCanvas(): void {
  const canvas = document.querySelector<HTMLElement>('[data-region="canvas"]');
  if (canvas) focusIn(canvas);
}

function focusIn(element: HTMLElement): void {
  const isCanvas = element.dataset['region'] === 'canvas';
  const first = isCanvas ? undefined : [...element.querySelectorAll<HTMLElement>(FOCUSABLE)].find(isReachable);
  (first ?? element).focus();
}

const isReachable = (element: HTMLElement): boolean => element.tabIndex >= 0 && element.getClientRects().length > 0;
