/** Paths of a workspace that belong to others, as `ignore` of execution.yaml names them: logs, caches, builds. */
import { matchesGlob } from 'node:path'

/**
 * @param patterns a pattern without `/` is matched against the name in any folder, any other against the whole path
 * @param path below the root of the workspace
 * @returns whether the path, or a folder above it, matches
 */
export function isIgnored(patterns: readonly string[], path: string): boolean {
  if (patterns.length === 0) return false
  const segments = path.split('/')
  return segments.some((name, index) =>
    patterns.some((pattern) =>
      pattern.includes('/')
        ? matchesGlob(segments.slice(0, index + 1).join('/'), pattern.replace(/\/$/, ''))
        : matchesGlob(name, pattern),
    ),
  )
}
