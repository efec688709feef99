/** Downloads: a one-use ticket of 30 s stands for one file or text. The ticket is the right, so that a plain link works. */
import { createTickets } from '../front/tickets.ts';

export interface Download {
  /** The name that the browser saves it under. */
  readonly name: string;
  /** An absolute path that the service has chosen itself, or the content. */
  readonly content:
    | { readonly kind: 'file'; readonly path: string; readonly removeAfter?: boolean }
    | { readonly kind: 'text'; readonly text: string };
}

export interface Downloads {
  readonly offer: (download: Download) => { readonly ticket: string; readonly name: string };
  readonly take: (ticket: string) => Download | undefined;
}

const SECONDS = 30;

export function createDownloads(now: () => number = Date.now): Downloads {
  const tickets = createTickets<Download>({ milliseconds: SECONDS * 1000, most: 1000, now });
  return {
    offer: (download) => ({ ticket: tickets.issue(download), name: download.name }),
    take: tickets.take,
  };
}
