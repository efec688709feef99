/** An equation. KaTeX builds its elements itself, so that no text is ever read as markup. */
import katex from 'katex';
import 'katex/dist/katex.min.css';
import { useEffect, useRef } from 'react';
import { cx } from './cx.ts';
import styles from './display.module.css';

export interface FormulaProps {
  readonly tex: string;
  /** On a line of its own. */
  readonly block?: boolean;
}

export function Formula({ tex, block = false }: FormulaProps) {
  const place = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (place.current)
      katex.render(tex, place.current, {
        trust: false,
        strict: 'ignore',
        throwOnError: false,
        displayMode: block,
        output: 'htmlAndMathml',
      });
  }, [tex, block]);
  return (
    <span
      ref={place}
      className={cx(styles['formula'], block && styles['formulaBlock'])}
      style={{ display: block ? 'block' : 'inline' }}
    />
  );
}
