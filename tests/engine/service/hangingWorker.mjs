/** A bundle whose worker never answers. */
import { setInterval } from 'node:timers';

export const main = () => new Promise(() => setInterval(() => undefined, 1000));
