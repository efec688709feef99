/** The first three questions to every request: which host it names, which page it comes from, and who asks. */
import type { IncomingMessage } from 'node:http';
import { REFUSALS, type Refusal } from '../problems.ts';
import type { Sessions } from './tickets.ts';

export interface GateOptions {
  /** The only origin of our pages: `http://127.0.0.1:4321`. */
  readonly origin: string;
  readonly sessions: Sessions;
}

export interface Gate {
  readonly origin: string;
  /** Host and Origin; undefined when both are right. A browser states the origin of everything that can change something. */
  readonly place: (request: IncomingMessage, needsOrigin: boolean) => Refusal | undefined;
  /** The session of a request's token. */
  readonly session: (request: IncomingMessage) => string | undefined;
}

const BEARER = /^Bearer ([A-Za-z0-9_-]{20,200})$/;

export const bearerOf = (request: IncomingMessage): string | undefined =>
  BEARER.exec(request.headers.authorization ?? '')?.[1];

export function createGate({ origin, sessions }: GateOptions): Gate {
  const { host } = new URL(origin);
  return {
    origin,
    place: ({ headers }, needsOrigin) => {
      if (headers.host !== host) return REFUSALS.host();
      if (headers.origin === undefined ? needsOrigin : headers.origin !== origin) return REFUSALS.origin();
      const site = headers['sec-fetch-site'];
      // Browsers that state it tell here that another site made the request, also where they send no origin.
      return site === undefined || site === 'same-origin' || site === 'none' ? undefined : REFUSALS.origin();
    },
    session: (request) => {
      const token = bearerOf(request);
      return token === undefined ? undefined : sessions.find(token);
    },
  };
}
