/** What the service asks the process that reads data files. Paths are absolute and were checked by the service. */
import type { TaskColumns } from '../../data/task.ts';
import type { TableFormat } from '../../data/table.ts';

/** A file as a data step names it, and which of its rows. */
export interface DataSpec {
  readonly file: string;
  /** How the file is called in messages. */
  readonly shown: string;
  readonly format?: TableFormat;
  readonly badRows: 'stop' | 'setAside';
  readonly columns: TaskColumns;
  readonly splits: readonly { readonly side: 'train' | 'eval'; readonly share: number; readonly seed: number }[];
}

export interface LookQuestion {
  readonly file: string;
  readonly shown: string;
  readonly limit: number;
}

export interface PreviewQuestion {
  readonly data: DataSpec;
  readonly offset: number;
  readonly limit: number;
}

export interface ChecksQuestion {
  readonly data: DataSpec;
  /** The data of the training step that uses it; leaks are texts that stand in both. */
  readonly pair?: { readonly train: DataSpec; readonly evaluation: DataSpec };
  readonly maxLength: number;
  /** A model of the store, or the absolute path of a folder; without one nothing is said of tokens. */
  readonly backbone?: string;
}
