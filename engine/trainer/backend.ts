/**
 * What the trainer is given from outside: a device that makes flat Programs runnable, and a reader of frozen weights.
 * The trainer imports no backend; the composition root hands one in.
 */
import type { Executable } from '../backends/executable.ts';
import type { Program } from '../ir/program.ts';

export interface TrainerBackend {
  /**
   * Device, library, version and number of threads, in one line. It is kept in every checkpoint: a resumed run equals the
   * uninterrupted one bit for bit only on the same.
   */
  readonly identity: string;
  /** Makes a flat Program runnable. The frozen weights that it names are bound here. */
  compile(program: Program): Promise<Executable>;
}

/** Gives the values of a frozen weight by its name in the Program (`ARTIFACT:TENSOR`), row-major. */
export interface WeightReader {
  read(name: string): Float32Array;
}
