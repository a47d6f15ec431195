/**
 * The empty file that is there, while a command runs, where a protected path does not exist: the sandbox covers it, so
 * that the command cannot make the path. It has no permission at all, by which it is told from anybody's own file, also
 * after a crash has left it behind.
 */
import type { Stats } from 'node:fs'
import { isProtectedName } from '@deed/config/protected-names'

export const PLACEHOLDER_MODE = 0

export const isPlaceholder = (name: string, stat: Stats): boolean =>
  stat.isFile() && stat.size === 0 && (stat.mode & 0o7777) === PLACEHOLDER_MODE && isProtectedName(name)
