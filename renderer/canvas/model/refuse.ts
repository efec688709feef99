/** A refusal of the canvas in words, of the same form as those of the engine. */
import type { Diagnostic } from '../../../engine/base/errors.ts';
import type { Result } from '../../../engine/base/result.ts';

export const because = (message: string, fix: string): Result<never, readonly Diagnostic[]> => ({
  ok: false,
  error: [{ code: 'canvas-refused', severity: 'error', where: {}, message, fix }],
});
