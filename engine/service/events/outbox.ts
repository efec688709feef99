/**
 * What waits to be sent to one page. While the page reads, events go straight out. When it is slow, points of one run are
 * joined and older progress and checks give way to newer ones; when even that grows too long, all of it is dropped and the
 * page gets a resync per project as soon as it reads again.
 */
import type { ProjectId } from '../../protocol/api/fields.ts';
import type { ServerEvent } from '../../protocol/api/wire.ts';
import { supersededKey } from './hub.ts';

/** The part of a WebSocket that is used. */
export interface Wire {
  readonly bufferedAmount: number;
  readonly readyState: number;
  send(text: string, done: (error?: Error) => void): void;
}

export interface Outbox {
  readonly send: (event: ServerEvent) => void;
  readonly end: () => void;
}

const OPEN = 1;
/** Bytes on the way beyond which events wait here. */
const HIGH = 256 * 1024;
const MOST_WAITING = 500;
const MOST_POINTS = 2000;

export function createOutbox(wire: Wire, resync: (project: ProjectId) => readonly ServerEvent[]): Outbox {
  let waiting: ServerEvent[] = [];
  /** Projects whose events were dropped. */
  const missed = new Set<ProjectId>();
  let ended = false;

  const push = (event: ServerEvent): void => wire.send(JSON.stringify(event), () => flush());
  const isSlow = (): boolean => wire.bufferedAmount > HIGH;
  const flush = (): void => {
    if (ended || wire.readyState !== OPEN) return;
    while (waiting.length > 0 && !isSlow()) push(waiting.shift() as ServerEvent);
    if (waiting.length > 0 || isSlow()) return;
    for (const project of [...missed]) {
      missed.delete(project);
      for (const event of resync(project)) push(event);
    }
  };
  return {
    send: (event) => {
      if (ended || wire.readyState !== OPEN) return;
      if (event.project !== undefined && missed.has(event.project)) return;
      if (waiting.length === 0 && !isSlow()) return push(event);
      waiting = joined(waiting, event);
      if (waiting.length <= MOST_WAITING) return;
      for (const { project } of waiting) if (project !== undefined) missed.add(project);
      waiting = waiting.filter((e) => e.project === undefined && e.event !== 'progress').slice(-MOST_WAITING / 2);
    },
    end: () => {
      ended = true;
      waiting = [];
    },
  };
}

/** The queue with one event more. */
function joined(waiting: readonly ServerEvent[], event: ServerEvent): ServerEvent[] {
  if (event.event === 'points') {
    const at = waiting.findLastIndex((e) => e.event === 'points' && e.run === event.run);
    const before = waiting[at];
    if (before?.event === 'points' && before.from + before.points.length === event.from) {
      const points = [...before.points, ...event.points].slice(-MOST_POINTS);
      const from = event.from + event.points.length - points.length;
      return [...waiting.filter((_, i) => i !== at), { ...event, from, points }];
    }
  }
  const key = supersededKey(event);
  const kept =
    key === undefined ? waiting : waiting.filter((e) => e.project !== event.project || supersededKey(e) !== key);
  return [...kept, event];
}
