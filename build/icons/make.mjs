/**
 * Draws `icon.svg` as `icon.png` (1024 px, from which electron-builder makes the icons of Windows and macOS) and as the
 * sizes that Linux wants. Run it after a change of the drawing: `node build/icons/make.mjs`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { chromiumArgs, ensureChromium } from '../browsers.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const svg = readFileSync(join(folder, 'icon.svg'), 'utf8');
const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumArgs });
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 1100 } });
  mkdirSync(join(folder, 'linux'), { recursive: true });
  for (const size of [16, 32, 48, 64, 128, 256, 512, 1024]) {
    await page.setContent(`<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${svg}`);
    const png = await page.screenshot({ omitBackground: true, clip: { x: 0, y: 0, width: size, height: size } });
    writeFileSync(size === 1024 ? join(folder, 'icon.png') : join(folder, 'linux', `${size}x${size}.png`), png);
  }
} finally {
  await browser.close();
}
