/** Keys as they are printed on the keyboard. */
import { keyParts } from './keys.ts';
import overlay from './overlay.module.css';

export const Keys = ({ keys }: { readonly keys: string }) => (
  <span className={overlay['keys']}>
    {keyParts(keys).map((part) => (
      <kbd key={part} className={overlay['key']}>
        {part}
      </kbd>
    ))}
  </span>
);
