/**
 * A command-line client that replays an exchange: readings are answered as the last change left them, and a change must
 * be the very next one of the exchange. Anything else is refused, so a test knows what was asked for, and in which order.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Exchange {
  /** What a reading prints at first. */
  readonly reading: string
  readonly changes: readonly {
    readonly argv: readonly string[]
    readonly stdout?: string
    readonly stderr?: string
    readonly code?: number
    /** What a reading prints from then on; absent: as before. */
    readonly reading?: string
  }[]
}

export interface TestClient {
  /** To be the PATH of the executor's environment. */
  readonly folder: string
  /** The arguments of each call so far. */
  calls(): string[][]
}

export function testClient(folder: string, program: string, exchange: Exchange): TestClient {
  mkdirSync(folder, { recursive: true })
  const [path, log] = [join(folder, program), join(folder, `${program}.calls`)]
  writeFileSync(join(folder, `${program}.json`), JSON.stringify(exchange))
  writeFileSync(path, `#!${process.execPath}\n${REPLAY}`)
  chmodSync(path, 0o755)
  const calls = () =>
    existsSync(log)
      ? readFileSync(log, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as string[])
      : []
  return { folder, calls }
}

const REPLAY = `const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const argv = process.argv.slice(2)
const { reading, changes } = JSON.parse(readFileSync(__filename + '.json', 'utf8'))
const log = __filename + '.calls'
const isReading = (argv) => ['get', 'inspect', 'show', 'status'].some((verb) => argv.includes(verb))
const earlier = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\\n').map((line) => JSON.parse(line)) : []
const made = earlier.filter((one) => !isReading(one)).length
appendFileSync(log, JSON.stringify(argv) + '\\n')
if (isReading(argv)) {
  const known = [reading, ...changes.slice(0, made).map((change) => change.reading)]
  if (!argv.includes('status')) process.stdout.write(known.findLast((one) => one !== undefined))
} else {
  const next = changes[made]
  if (JSON.stringify(next?.argv) !== JSON.stringify(argv)) {
    process.stderr.write('not in the exchange: ' + JSON.stringify(argv) + ', but ' + JSON.stringify(next?.argv))
    process.exit(97)
  }
  process.stdout.write(next.stdout ?? '')
  process.stderr.write(next.stderr ?? '')
  process.exitCode = next.code ?? 0
}
`
