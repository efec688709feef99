/**
 * Events on their way to pages. Each project has a numbered ring of the last events, from which a page that lost its
 * connection goes on; when the ring does not reach back far enough, the page gets a resync instead.
 */
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { ServerEvent } from '../../protocol/api/wire.ts';

/** An event before it has its number. */
type WithoutId<E> = E extends { readonly id: number } ? Omit<E, 'id'> : never;
export type NewEvent = WithoutId<ServerEvent>;

export interface Listener {
  readonly receive: (event: ServerEvent) => void;
}

export type Replay = { readonly kind: 'events'; readonly events: readonly ServerEvent[] } | { readonly kind: 'resync' };

export interface EventHub {
  /** Numbers an event and hands it to those who listen: all of them, or the subscribers of its project. */
  readonly emit: (event: NewEvent) => void;
  readonly attach: (listener: Listener) => () => void;
  readonly subscribe: (listener: Listener, project: ProjectId) => void;
  readonly unsubscribe: (listener: Listener, project: ProjectId) => void;
  /** What a page missed that has seen everything up to `after`. */
  readonly replay: (project: ProjectId, after: number) => Replay;
  /** The newest event of some kinds, such as the last check. */
  readonly latest: (project: ProjectId) => readonly ServerEvent[];
  /** A number for an event that goes to one page only. */
  readonly current: (project: ProjectId) => number;
  readonly forget: (project: ProjectId) => void;
}

const MOST_EVENTS = 2000;

interface Ring {
  last: number;
  /** The number before the oldest event that is kept. */
  floor: number;
  events: ServerEvent[];
}

/** Events of which a newer one makes the older one worthless, by this key; others have none. */
export function supersededKey(event: NewEvent): string | undefined {
  switch (event.event) {
    case 'checked':
      return `checked ${event.check.phase}`;
    case 'saved':
      return 'saved';
    case 'run':
      return `run ${event.summary.run}`;
    case 'progress':
      return `progress ${event.job}`;
    case 'ready':
    case 'pong':
    case 'resync':
    case 'edited':
    case 'run-deleted':
    case 'points':
    case 'catalog':
    case 'notice':
      return undefined;
  }
}

/**
 * @param origin the number that counting starts from; by default the time, so that numbers of an earlier service are always
 *   older than the ring and lead to a resync
 */
export function createHub(origin: () => number = () => Date.now() * 16): EventHub {
  const rings = new Map<ProjectId, Ring>();
  const listeners = new Map<Listener, Set<ProjectId>>();
  let global = 0;
  const ringOf = (project: ProjectId): Ring => {
    const known = rings.get(project);
    if (known) return known;
    const start = origin();
    const ring: Ring = { last: start, floor: start, events: [] };
    rings.set(project, ring);
    return ring;
  };
  return {
    emit: (event) => {
      if (event.project === undefined) {
        const numbered = { ...event, id: ++global } as ServerEvent;
        for (const listener of listeners.keys()) listener.receive(numbered);
        return;
      }
      const ring = ringOf(event.project);
      const numbered = { ...event, id: ++ring.last } as ServerEvent;
      const key = supersededKey(event);
      if (key !== undefined) ring.events = ring.events.filter((e) => supersededKey(e) !== key);
      ring.events.push(numbered);
      while (ring.events.length > MOST_EVENTS) ring.floor = ring.events.shift()?.id ?? ring.floor;
      for (const [listener, projects] of listeners) if (projects.has(event.project)) listener.receive(numbered);
    },
    attach: (listener) => {
      listeners.set(listener, new Set());
      return () => listeners.delete(listener);
    },
    subscribe: (listener, project) => void listeners.get(listener)?.add(project),
    unsubscribe: (listener, project) => void listeners.get(listener)?.delete(project),
    replay: (project, after) => {
      const ring = ringOf(project);
      if (after < ring.floor || after > ring.last) return { kind: 'resync' };
      return { kind: 'events', events: ring.events.filter((e) => e.id > after) };
    },
    latest: (project) => ringOf(project).events.filter((e) => e.event === 'checked' || e.event === 'saved'),
    current: (project) => ringOf(project).last,
    forget: (project) => void rings.delete(project),
  };
}
