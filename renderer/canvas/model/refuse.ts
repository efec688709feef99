/** A refusal of the canvas in words, of the same form as those of the engine. */
import type { Diagnostic } from '../../../engine/base/errors.ts';

export interface Refusal {
  readonly ok: false;
  readonly error: readonly Diagnostic[];
}

export const because = (message: string, fix: string): Refusal => ({
  ok: false,
  error: [{ code: 'canvas-refused', severity: 'error', where: {}, message, fix }],
});
