/** The window: header, rail, canvas, inspector, drawer, status bar. */
export function App() {
  return null;
}
