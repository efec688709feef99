/** The totals of a test run: every way a runner can fail is counted. */
import { describe, expect, it } from 'vitest';
import { exitCodeOf, lastLine, pytestCounts, retriedTests, total, vitestCounts } from '../../build/counts.mjs';

const report = (...files: readonly { status: string; tests: readonly string[] }[]): string =>
  JSON.stringify({
    testResults: files.map((f) => ({ status: f.status, assertionResults: f.tests.map((status) => ({ status })) })),
  });

describe('retriedTests', () => {
  it('names what passed after a failure, with the failure', () => {
    const tests = [
      { status: 'passed', fullName: 'calm', failureMessages: [] },
      { status: 'passed', fullName: 'shaky', failureMessages: ['Error: too late\n at x'] },
      { status: 'failed', fullName: 'broken', failureMessages: ['Error: no'] },
    ];
    const text = JSON.stringify({ testResults: [{ status: 'failed', assertionResults: tests }] });
    expect(retriedTests(text)).toEqual(['shaky\n    Error: too late']);
    expect([retriedTests(undefined), retriedTests('[]')]).toEqual([[], []]);
  });
});

describe('vitestCounts', () => {
  it('counts tests by their status', () => {
    const text = report(
      { status: 'passed', tests: ['passed', 'passed', 'pending', 'todo'] },
      { status: 'failed', tests: ['failed', 'passed', 'skipped'] },
    );
    expect(vitestCounts(text, 1)).toEqual({ passed: 3, failed: 1, skipped: 3 });
  });

  it('counts a file that fails outside of its tests', () => {
    const text = report({ status: 'failed', tests: [] }, { status: 'failed', tests: ['passed'] });
    expect(vitestCounts(text, 1)).toEqual({ passed: 1, failed: 2, skipped: 0 });
  });

  it.each([
    ['no report', undefined],
    ['a broken report', '{"testResults": [{'],
    ['a report of another form', '[]'],
  ])('counts %s as a failure', (_, text) => {
    expect(vitestCounts(text, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('counts a failing exit without a failed test', () => {
    expect(vitestCounts(report({ status: 'passed', tests: ['passed'] }), 1)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
    });
    expect(vitestCounts(report(), 1)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('pytestCounts', () => {
  const xml = (attributes: string): string =>
    `<?xml version="1.0"?><testsuites><testsuite name="pytest" ${attributes} time="1.5"><testcase/></testsuite></testsuites>`;

  it('reads the totals', () => {
    const text = xml('errors="1" failures="2" skipped="3" tests="10"');
    expect(pytestCounts(text, 1)).toEqual({ passed: 4, failed: 3, skipped: 3 });
  });

  it('counts a missing report and a failing exit', () => {
    expect(pytestCounts(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(pytestCounts(xml('errors="0" failures="0" skipped="0" tests="0"'), 5).failed).toBe(1);
  });
});

describe('the last line', () => {
  it('sums up, and names skipped tests only when there are some', () => {
    const sum = total([
      { passed: 5, failed: 0, skipped: 0 },
      { passed: 100, failed: 0, skipped: 0 },
    ]);
    expect(lastLine(sum)).toBe('105 passed, 0 failed');
    expect(lastLine({ passed: 1, failed: 2, skipped: 3 })).toBe('1 passed, 2 failed, 3 skipped');
  });

  it('fails a run with a failure and a run of nothing', () => {
    expect(exitCodeOf({ passed: 1, failed: 0, skipped: 2 })).toBe(0);
    expect(exitCodeOf({ passed: 1, failed: 1, skipped: 0 })).toBe(1);
    expect(exitCodeOf({ passed: 0, failed: 0, skipped: 2 })).toBe(1);
  });
});
