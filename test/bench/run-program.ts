/** A program of the checkout that prints what it measured as JSON. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** @returns what it printed. @throws if it ends with another exit code than 0; it ends with `opened` */
export async function runProgram(
  file: string,
  args: readonly string[],
  { checkout }: { checkout: string },
  opened: AsyncDisposableStack,
): Promise<unknown> {
  const child = spawn(process.execPath, [join(checkout, file), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  opened.defer(async () => {
    child.kill('SIGTERM')
    await closed
  })
  const printed = await text(child.stdout)
  const [code] = await closed
  if (code !== 0) throw new Error(`${file} ended with exit code ${code}`)
  return JSON.parse(printed)
}
