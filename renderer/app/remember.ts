/** Small things of the window that are kept on this machine: sizes of panels, commands that were used lately. */

export function recall(key: string): string | undefined {
  try {
    return localStorage.getItem(`espalier.${key}`) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Storage may be full or forbidden; then the window starts as new next time. */
export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`espalier.${key}`, value);
  } catch {
    return;
  }
}

const MOST_RECENT = 12;

export const recentCommands = (): readonly string[] =>
  (recall('recent-commands') ?? '').split(' ').filter((id) => id !== '');

export function noteCommand(id: string): void {
  remember(
    'recent-commands',
    [id, ...recentCommands().filter((other) => other !== id)].slice(0, MOST_RECENT).join(' '),
  );
}
