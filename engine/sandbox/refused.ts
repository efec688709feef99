/** A custom node that is refused, with the words for it. The compiler turns it into a diagnostic at the node. */
import { NodeRefused } from '../nodekit/refused.ts';
import type { NodeProblem } from './messages.ts';

export class Refused extends NodeRefused {
  readonly problem: NodeProblem;

  constructor(problem: NodeProblem) {
    super(problem.code, problem.message, problem.fix, problem.line);
    this.problem = problem;
  }
}
