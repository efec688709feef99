/** The runs of the project in the rail. */
export function RailRuns() {
  return null;
}
