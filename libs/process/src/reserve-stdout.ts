/** Standard output for one protocol alone: whatever else a program writes there goes to standard error. */
import { Writable } from 'node:stream'

let wire: Writable | undefined

/** Redirects `console` and `process.stdout` from now on. @returns the only way to the real standard output */
export function reserveStdout(): Writable {
  if (wire) return wire
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  wire = new Writable({
    write: (chunk: Buffer, _, done) => {
      write(chunk, done)
    },
  })
  stdout.write = stderr.write.bind(stderr)
  return wire
}
