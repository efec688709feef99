/**
 * Turns the reports of the test runners into counts. A runner that leaves no report, or that fails although its report
 * shows no failure (a crash after the tests, an unhandled rejection), counts as one failure.
 */

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {{ status: string, fullName?: string, failureMessages?: readonly string[] }} Assertion */

/**
 * The files of vitest's JSON report; undefined when it is none.
 * @param {string | undefined} report
 * @returns {readonly { status: string, assertionResults: readonly Assertion[] }[] | undefined}
 */
function filesOf(report) {
  try {
    const { testResults } = JSON.parse(report ?? '');
    return Array.isArray(testResults) ? testResults : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string | undefined} report vitest's JSON report
 * @param {number} exitCode
 * @returns {Counts}
 */
export function vitestCounts(report, exitCode) {
  /** @type {Counts} */
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const files = filesOf(report);
  if (files === undefined) return { ...counts, failed: 1 };
  for (const file of files) {
    let failedHere = 0;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') failedHere += 1;
      else counts.skipped += 1;
    }
    // A file that fails outside of its tests, e.g. while it is loaded or in a hook, has no failed test to show for it.
    if (file.status === 'failed' && failedHere === 0) failedHere = 1;
    counts.failed += failedHere;
  }
  return withExitCode(counts, exitCode);
}

/**
 * Names of the tests that passed at a second attempt: each is a weakness of the test or of the product.
 * @param {string | undefined} report vitest's JSON report
 * @returns {readonly string[]}
 */
export function retriedTests(report) {
  return (filesOf(report) ?? []).flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ status, fullName, failureMessages: [first] = [] }) =>
      status === 'passed' && first !== undefined ? [`${fullName}\n    ${first.split('\n')[0]}`] : [],
    ),
  );
}

/**
 * @param {string | undefined} report pytest's JUnit XML report
 * @param {number} exitCode
 * @returns {Counts}
 */
export function pytestCounts(report, exitCode) {
  const head = /<testsuite\b[^>]*>/.exec(report ?? '')?.[0];
  if (head === undefined) return { passed: 0, failed: 1, skipped: 0 };
  /** @param {string} name */
  const number = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number('failures') + number('errors');
  const skipped = number('skipped');
  return withExitCode({ passed: Math.max(0, number('tests') - failed - skipped), failed, skipped }, exitCode);
}

/**
 * @param {Counts} counts
 * @param {number} exitCode
 * @returns {Counts}
 */
function withExitCode(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {readonly Counts[]} list
 * @returns {Counts}
 */
export function total(list) {
  /** @param {keyof Counts} key */
  const sum = (key) => list.reduce((n, c) => n + c[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/**
 * The last line of a test run, e.g. `12 passed, 0 failed`, and `, 1 skipped` when there are such.
 * @param {Counts} counts
 */
export function lastLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/**
 * Zero when something ran and nothing failed.
 * @param {Counts} counts
 */
export function exitCodeOf({ passed, failed }) {
  return failed === 0 && passed > 0 ? 0 : 1;
}
