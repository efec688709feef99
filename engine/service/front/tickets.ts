/** One-use tickets, and the tokens of sessions. Only hashes are kept, so that a dump of memory or a log gives nothing away. */
import { createHash, randomBytes } from 'node:crypto';

export const secretText = (): string => randomBytes(32).toString('base64url');
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

export interface Tickets<T> {
  readonly issue: (what: T) => string;
  /** What the ticket stands for, once; undefined when it was used, is too old or never was. */
  readonly take: (ticket: string) => T | undefined;
}

export interface TicketOptions {
  readonly milliseconds: number;
  /** When there are more, the oldest end. */
  readonly most: number;
  readonly now?: () => number;
}

export function createTickets<T>({ milliseconds, most, now = Date.now }: TicketOptions): Tickets<T> {
  const open = new Map<string, { readonly what: T; readonly until: number }>();
  const sweep = (): void => {
    for (const [key, { until }] of open) if (until <= now() || open.size > most) open.delete(key);
  };
  return {
    issue: (what) => {
      const ticket = secretText();
      open.set(digest(ticket), { what, until: now() + milliseconds });
      sweep();
      return ticket;
    },
    take: (ticket) => {
      const key = digest(ticket);
      const found = open.get(key);
      open.delete(key);
      return found !== undefined && found.until > now() ? found.what : undefined;
    },
  };
}

export interface Sessions {
  /** Starts a session and gives its token. */
  readonly start: () => string;
  /** The id of the session of a token, for logs; undefined for a token that is none. */
  readonly find: (token: string) => string | undefined;
  readonly end: (token: string) => void;
}

const MOST_SESSIONS = 256;

/**
 * The sessions of this service. A fixed token comes from the shell or a token file, so that pages go on after a restart of
 * the service; every session then has that token.
 */
export function createSessions(fixed?: string): Sessions {
  const open = new Map<string, string>();
  const add = (token: string): string => {
    open.set(digest(token), secretText().slice(0, 8));
    const oldest = open.keys().next().value;
    if (open.size > MOST_SESSIONS && oldest !== undefined) open.delete(oldest);
    return token;
  };
  if (fixed !== undefined) add(fixed);
  return {
    start: () => fixed ?? add(secretText()),
    find: (token) => open.get(digest(token)),
    end: (token) => void open.delete(digest(token)),
  };
}
