/**
 * Loaded by Electron before the shell (`electron -r`): runs texts of JavaScript in the shell's page, one after the other,
 * and prints what became of each. No debugger is attached: Playwright's stops every new window before the shell can
 * refuse it, and with it the page that asked.
 */
const { app, BrowserWindow, shell, webContents } = require('electron');

const codes = JSON.parse(process.env['ESPALIER_PROBE'] ?? '[]');
/** @type {string[]} */
const opened = [];
shell.openExternal = (url) => {
  opened.push(url);
  return Promise.resolve();
};
const pause = (/** @type {number} */ milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

app.on('browser-window-created', (_event, window) => {
  const contents = window.webContents;
  contents.on('did-finish-load', async () => {
    if (!contents.getURL().startsWith('http://127.0.0.1:')) return;
    const outcomes = [];
    for (const code of codes) {
      await contents.executeJavaScript(code, true);
      await pause(700);
      const sum = await Promise.race([contents.executeJavaScript('1 + 1'), pause(5000)]);
      outcomes.push({
        answers: sum === 2,
        windows: BrowserWindow.getAllWindows().length,
        contents: webContents.getAllWebContents().length,
        opened: opened.splice(0),
      });
    }
    process.stdout.write(`PROBE ${JSON.stringify(outcomes)}\n`);
    app.exit(0);
  });
});
