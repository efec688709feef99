/** A node whose `build` cannot be carried out, in words; thrown by nodes that are not ours. */
export class NodeRefused extends Error {
  override readonly name: string = 'NodeRefused';
  readonly code: string;
  readonly fix: string;
  /** The line of the node's own source, from 1. */
  readonly line: number | undefined;

  constructor(code: string, message: string, fix: string, line?: number) {
    super(message);
    this.code = code;
    this.fix = fix;
    this.line = line;
  }
}
