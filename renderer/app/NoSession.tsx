/** Shown instead of the app when the page may not talk to the engine. */
import { RefreshCw, Unplug } from 'lucide-react';
import { Button, Empty } from '../ui/index.ts';

export const NoSession = ({ message, fix }: { readonly message: string; readonly fix: string }) => (
  <main style={{ height: '100%' }} role="alert">
    <Empty
      icon={<Unplug />}
      title={message}
      text={fix}
      action={
        <Button icon={<RefreshCw />} onClick={() => location.reload()}>
          Try again
        </Button>
      }
    />
  </main>
);
