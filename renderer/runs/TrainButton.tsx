/** Starts, stops and shows the current run, in the header. */
export function TrainButton() {
  return null;
}
