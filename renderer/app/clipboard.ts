/** Puts a text on the clipboard and says so. */
import type { Editor } from '../state/editor.ts';

export async function copyText(editor: Editor, text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    editor.toast('info', `${what} is on the clipboard: ${text}`);
  } catch {
    // The browser may forbid it, for example without focus; the text can still be taken from the message.
    editor.toast('warning', `The clipboard is not available. The text is: ${text}`);
  }
}
