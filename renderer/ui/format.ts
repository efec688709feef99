/** Figures as people read them. One place, so that the same number looks the same everywhere. */

const COUNT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `73,728` */
export const formatCount = (count: number): string => COUNT.format(count);

/** `22.7 M`: for places too narrow for all digits; the full number belongs into the tooltip. */
export function formatCompact(count: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [1e12, ' T'],
    [1e9, ' G'],
    [1e6, ' M'],
    [1e4, ' k'],
  ];
  for (const [size, unit] of steps)
    if (Math.abs(count) >= size) return `${significant(unit === ' k' ? count / 1e3 : count / size)}${unit}`;
  return formatCount(count);
}

/** `1.6 MB`, `0.9 GB`: decimal units, as disks and memory are sold. */
export function formatBytes(bytes: number): string {
  if (Math.abs(bytes) < 1000) return `${formatCount(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${significant(value)} ${units[unit] ?? 'TB'}`;
}

/** `41 ms`, `12 s`, `3 min`, `1 h 20 min`, `2 d 4 h` */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${significant(seconds)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (seconds < 600) {
    const rest = Math.round(seconds % 60);
    const whole = Math.floor(seconds / 60);
    return rest === 0 || rest === 60 ? `${minutes} min` : `${whole} min ${rest} s`;
  }
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** `0.32 %`; a share that is not zero is never shown as zero. */
export function formatShare(share: number): string {
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (Math.abs(percent) < 0.01) return '< 0.01 %';
  if (Math.abs(percent) >= 99.95) return `${Math.round(percent)} %`;
  return `${Math.abs(percent) >= 10 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}

/** A measured figure with four significant digits: `0.8660`, `1.2e-4`. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'infinite' : '-infinite';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2);
  if (Number.isInteger(value)) return formatCount(value);
  return size >= 1000 ? value.toFixed(0) : size >= 1 ? value.toPrecision(4) : value.toFixed(4);
}

/** `14:05` today, else `3 Nov, 14:05`; with the year where it is another one. */
export function formatTime(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === now.toDateString()) return time;
  const day = at.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(at.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }),
  });
  return `${day}, ${time}`;
}

/** `1 problem`, `2 problems` */
export const formatPlural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** Three digits at most where there is a fraction: `1.6`, `16`, `0.9`. */
function significant(value: number): string {
  const size = Math.abs(value);
  const text = size >= 99.5 ? value.toFixed(0) : size >= 9.95 ? value.toFixed(1) : value.toFixed(1);
  return text.endsWith('.0') && size >= 9.95 ? text.slice(0, -2) : text;
}
