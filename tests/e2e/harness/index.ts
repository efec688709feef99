/** What end-to-end tests import; `app.ts` says how they are written. */
export * from './app.ts';
export * from './canvas.ts';
export * from './keys.ts';
export { makeSurroundings, startService, builtPage, type Service, type Surroundings } from './service.ts';
