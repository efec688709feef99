/** A bundle whose worker never answers. */
export const main = () => new Promise(() => setInterval(() => undefined, 1000));
