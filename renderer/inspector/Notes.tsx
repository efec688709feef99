/** Notes on a node, as plain text. */
import type { NodeAddress } from '../../engine/protocol/edit.ts';
import { TextField } from '../ui/index.ts';
import { useApply } from './hooks.ts';
import { setNotes } from './model/edits.ts';
import { Section } from './Section.tsx';

export function Notes({ at, notes }: { readonly at: NodeAddress; readonly notes: string | undefined }) {
  const apply = useApply();
  return (
    <Section title="Notes">
      <TextField
        label="Notes"
        hideLabel
        lines={3}
        placeholder="Why is it here?"
        value={notes ?? ''}
        onCommit={(text) => void apply('Edit notes', setNotes(at, text))}
      />
    </Section>
  );
}
