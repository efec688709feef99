/** Recent files while a project is open. */
import { Dialog } from '../../ui/index.ts';
import { RecentList } from '../start/RecentList.tsx';
import type { OverlayProps } from './Dialogs.tsx';

export const RecentDialog = ({ onClose }: OverlayProps) => (
  <Dialog title="Open a recent project" open onClose={onClose} width={560}>
    <RecentList />
  </Dialog>
);
