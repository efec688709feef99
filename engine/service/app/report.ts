/**
 * The report of a problem as text: versions, machine, the last lines of the log. It names no person: folders of the home,
 * the workspace and temporary files become words, and whatever looks like a secret is cut out.
 */
import { arch, cpus, homedir, release, tmpdir, totalmem, type as osType, userInfo } from 'node:os';
import type { LogEntry } from '../log.ts';

export interface ReportFacts {
  readonly version: string;
  readonly home: string;
  readonly workspace: string;
  readonly desktop: boolean;
  readonly projects: readonly { readonly nodes: number; readonly revision: number }[];
  readonly log: readonly LogEntry[];
}

export function problemReport(facts: ReportFacts): string {
  const { version, desktop, projects, log } = facts;
  const lines = [
    `Espalier ${version}${desktop ? ' (desktop)' : ''}`,
    `Node ${process.version}, ${osType()} ${release()} ${arch()}`,
    `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB used`,
    `Running for ${Math.round(process.uptime())} s`,
    ...projects.map((p, i) => `Document ${i + 1}: ${p.nodes} nodes, revision ${p.revision}`),
    '',
    ...log.map((l) => `${l.at} ${l.level} ${l.text}`),
  ];
  return withoutSecrets(lines.join('\n'), facts);
}

const SECRET = /[A-Za-z0-9_-]{32,}/g;

/** The text without paths of this machine, names of people, and long random words. */
export function withoutSecrets(text: string, { home, workspace }: Pick<ReportFacts, 'home' | 'workspace'>): string {
  const places: readonly (readonly [string, string])[] = [
    [workspace, '<workspace>'],
    [home, '<home>'],
    [homedir(), '<user>'],
    [tmpdir(), '<temporary>'],
  ];
  let cleaned = text;
  for (const [path, word] of [...places].sort((a, b) => b[0].length - a[0].length)) {
    if (path.length > 1) cleaned = cleaned.replaceAll(path, word);
  }
  const { username } = userInfo();
  if (username.length > 2 && username !== 'root') cleaned = cleaned.replaceAll(username, '<name>');
  return cleaned
    .replace(/\/(?:home|Users)\/[^/\s]+/g, '<user>')
    .replace(/\b(bearer|basic)\s+\S+/gi, '$1 <cut>')
    .replace(/(bearer|token|ticket|authorization|password|secret)(["':=\s]+)\S+/gi, '$1$2<cut>')
    .replace(/(https?:\/\/)[^/\s@]+@/g, '$1<cut>@')
    .replace(SECRET, (word) => (/\d/.test(word) && /[A-Za-z]/.test(word) ? '<cut>' : word));
}
