/** How far a run is, as a ring. The words beside it say the same. */
import styles from './TrainButton.module.css';

const RADIUS = 7;
const LENGTH = 2 * Math.PI * RADIUS;

export const Ring = ({ share, paused = false }: { readonly share: number; readonly paused?: boolean }) => (
  <svg className={styles['ring']} viewBox="0 0 18 18" width={18} height={18} aria-hidden="true">
    <circle cx={9} cy={9} r={RADIUS} className={styles['ringTrack']} />
    <circle
      cx={9}
      cy={9}
      r={RADIUS}
      className={paused ? styles['ringPaused'] : styles['ringBar']}
      strokeDasharray={`${Math.max(0.02, share) * LENGTH} ${LENGTH}`}
      transform="rotate(-90 9 9)"
    />
  </svg>
);
