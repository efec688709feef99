/** The state of a run: an icon and a word, never colour alone. */
import { Check, CircleAlert, CircleDashed, Clock, Loader, Pause, Square, Unplug } from 'lucide-react';
import type { ReactNode } from 'react';
import type { RunState as State, RunSummary } from '../../engine/protocol/api/runs.ts';
import { Badge, type Tone } from '../ui/index.ts';
import { doneShare, STATE_WORDS } from './words.ts';

const LOOK: Readonly<Record<State, { readonly tone: Tone; readonly icon: ReactNode }>> = {
  queued: { tone: 'neutral', icon: <Clock /> },
  preparing: { tone: 'info', icon: <CircleDashed /> },
  training: { tone: 'info', icon: <Loader /> },
  paused: { tone: 'warning', icon: <Pause /> },
  done: { tone: 'trainable', icon: <Check /> },
  failed: { tone: 'error', icon: <CircleAlert /> },
  stopped: { tone: 'neutral', icon: <Square /> },
  lost: { tone: 'error', icon: <Unplug /> },
};

export const RunState = ({ run }: { readonly run: Pick<RunSummary, 'state' | 'step' | 'steps'> }) => (
  <Badge tone={LOOK[run.state].tone} icon={LOOK[run.state].icon}>
    <span>
      {STATE_WORDS[run.state]}
      {(run.state === 'training' || run.state === 'paused') && ` ${Math.floor(doneShare(run) * 100)} %`}
    </span>
  </Badge>
);
