/** All runs, the results of one, or the comparison of some. */
import { useEditorState } from '../state/editor.ts';
import { ComparePage } from './compare/ComparePage.tsx';
import { ResultsPage } from './results/ResultsPage.tsx';
import { RunList } from './RunList.tsx';

export function RunsPanel() {
  const page = useEditorState((s) => s.runsView.page);
  switch (page) {
    case 'list':
      return <RunList />;
    case 'results':
      return <ResultsPage />;
    case 'compare':
      return <ComparePage />;
  }
}
