/** A trained tree on its trellis. */
export const Logo = ({ size = 24 }: { readonly size?: number }) => (
  <svg width={size} height={size} viewBox="0 0 24 24" fill="none" aria-hidden="true">
    <g stroke="currentColor" strokeLinecap="round" strokeLinejoin="round">
      <path d="M4 4v17M20 4v17" strokeWidth="1.2" opacity="0.45" />
      <path d="M12 21V5" strokeWidth="2" />
      <path
        d="M12 17c-3.5 0-4-3-7-3M12 17c3.5 0 4-3 7-3M12 11.5c-3.5 0-4-3-7-3M12 11.5c3.5 0 4-3 7-3"
        strokeWidth="1.8"
      />
    </g>
    <circle cx="12" cy="4" r="2" fill="currentColor" />
  </svg>
);
