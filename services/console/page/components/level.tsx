/** The level of approval: 0 by itself, 1 confirm, 2 the whole plan, 3 step by step. */
export function Level({ level }: { level: number | null }) {
  return level === null ? null : <span class={`level level-${level}`}>level {level}</span>
}
