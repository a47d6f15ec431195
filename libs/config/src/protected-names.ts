/**
 * The names that nothing is written to or below, wherever in a workspace they are: files and folders that change what tools
 * do which people run there, those that hold keys, and Deed's own.
 *
 * `.env` is not one of them: it changes no tool by itself, and programs that people ask for are set up with it.
 */
export const PROTECTED_NAMES: ReadonlySet<string> = new Set([
  ...['.git', '.gitmodules', '.gitconfig', '.husky', '.deed', 'execution.yaml', 'execution.yml'],
  ...['.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', 'bunfig.toml', '.ssh', '.gnupg', '.netrc', '.envrc'],
])

/** Case is ignored, as some file systems do. */
export const isProtectedName = (name: string): boolean => PROTECTED_NAMES.has(name.toLowerCase())
