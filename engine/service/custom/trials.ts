/** Tries a custom node in a process of its own, which is killed when it takes too long: no source can hold the service up. */
import { z } from 'zod';
import type { CustomNode } from '../../protocol/api/custom.ts';
import { userProblem } from '../problems.ts';
import { spawnEngine } from '../spawnEngine.ts';

export interface TrialRequest {
  readonly name: string;
  readonly source: string;
  readonly params: Readonly<Record<string, string | number | boolean>>;
}
export type Trialled = Pick<CustomNode, 'info' | 'trial' | 'diagnostics'>;
export type TryNode = (request: TrialRequest) => Promise<Trialled>;

/** The sandbox gives up after seconds; this is for a computer that is too busy to start the process. */
const LONGEST_MILLISECONDS = 90_000;
const LARGEST_ANSWER = 8 * 2 ** 20;

/** The child is our own program; its answer is looked at only as far as a broken one would be noticed. */
const answerSchema = z.object({ diagnostics: z.array(z.unknown()) });

export function createTrials(entry: string, workspace: string, home: string): TryNode {
  return ({ name, source, params }) =>
    new Promise((resolve, reject) => {
      const child = spawnEngine(entry, ['custom', 'try', name, '--json', '--stdin'], {
        stdio: ['pipe', 'pipe', 'ignore'],
        nice: 0,
        env: { ESPALIER_WORKSPACE: workspace, ESPALIER_HOME: home },
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, LONGEST_MILLISECONDS);
      child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > LARGEST_ANSWER) child.kill('SIGKILL');
        else chunks.push(chunk);
      });
      child.on('error', reject);
      child.on('close', () => {
        clearTimeout(timer);
        const text = Buffer.concat(chunks).toString('utf8');
        try {
          const answer: unknown = JSON.parse(text);
          answerSchema.parse(answer);
          resolve(answer as Trialled);
        } catch {
          reject(
            late
              ? userProblem(
                  'custom-node-late',
                  `The trial of the node did not end within ${LONGEST_MILLISECONDS / 1000} seconds.`,
                  'Try again when the computer is less busy.',
                )
              : userProblem(
                  'custom-node-stopped',
                  'The node brought down the process that tried it.',
                  'Simplify the source of the node.',
                ),
          );
        }
      });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(JSON.stringify({ source, params }));
    });
}
