/** How the command was called, for sentences that say what to call next. */

/** @param args of the command, as one would type them */
export function deedCommand(args: string, env: NodeJS.ProcessEnv = process.env): string {
  // npm sets it to the script's name, and to `npx`.
  const script = env.npm_lifecycle_event
  if (script === 'npx') return `npx --no-install deed ${args}`
  return script === undefined ? `deed ${args}` : `npm run deed -- ${args}`
}

/** As one word of a shell, whatever it contains. */
export const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
