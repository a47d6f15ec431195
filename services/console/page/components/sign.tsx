/** The sign before a word, drawn: not every font has these characters. */

const PATHS: Readonly<Record<string, string>> = {
  '✓': 'M3 8.5 6.5 12 13 4.5',
  '✕': 'M4 4 12 12M12 4 4 12',
  '▸': 'M5.5 3.5 12 8 5.5 12.5Z',
  '↶': 'M6 3 3 6 6 9M3 6h6a4 4 0 0 1 0 8H6',
  '⊘': 'M8 2.5a5.5 5.5 0 1 0 .01 0M4.2 4.2 11.8 11.8',
  '‖': 'M6 3.5v9M10 3.5v9',
  '◌': 'M8 3.5h.01M11.2 4.8h.01M12.5 8h.01M11.2 11.2h.01M8 12.5h.01M4.8 11.2h.01M3.5 8h.01M4.8 4.8h.01',
  '✎': 'M3 13l.6-2.8 7-7 2.2 2.2-7 7L3 13',
  '→': 'M2.5 8h11M9.5 4l4 4-4 4',
  '○': 'M8 3.5a4.5 4.5 0 1 0 .01 0',
  '☰': 'M2.5 4h11M2.5 8h11M2.5 12h11',
}

/** @param of a character; one that is not drawn here is shown as it is @param at its left upper corner, in a drawing */
export function Sign({ of, at }: { of: string; at?: { x: number; y: number } }) {
  const path = PATHS[of]
  if (path === undefined && at)
    return (
      <text class="sign" x={at.x + 6} y={at.y + 11} text-anchor="middle">
        {of}
      </text>
    )
  if (path === undefined)
    return (
      <span class="sign" aria-hidden="true">
        {of}
      </span>
    )
  return (
    <svg class="sign" viewBox="0 0 16 16" aria-hidden="true" {...(at ? { ...at, width: 12, height: 12 } : {})}>
      <path d={path} />
    </svg>
  )
}
