/**
 * service.logs: the newest lines that a service has logged, whatever runs it, without secrets. Proved by reading more of
 * the log again, in which the same lines are together.
 */
import { stripVTControlCharacters } from 'node:util'
import { counted } from '@deed/config/counted'
import { sha256 } from '@deed/json/canonical-json'
import { DeedError } from '@deed/proto/errors'
import { redact, registerSecretsOf } from '@deed/telemetry/redact'
import { exposedName } from '@deed/text/exposed-text'
import { z } from 'zod'
import type { Context, Effect, Kind } from '../kind/kind.ts'
import { readingOnly } from '../kind/reading-only.ts'
import type { LogLine } from './log-lines.ts'
import { serviceProvider } from './provider-of.ts'

/** Half of what is read: a secret of many lines that begins above the first line that is shown is still whole. */
const LINES_MAX = 1_000
const LINE_CHARS_MAX = 2_000
/** A result has at most 65,536 characters of text. */
const TEXT_CHARS_MAX = 60_000

const Input = z.strictObject({
  target: z.string().min(1).max(256),
  /** The newest ones. */
  lines: z.int().min(1).max(LINES_MAX).default(100),
  /** Only what was logged in this time, as in `90s`, `10m`, `2h`, `1d`. */
  since: z
    .string()
    .regex(/^[1-9]\d{0,4}[smhd]$/, 'is a number with s, m, h or d, as in 10m')
    .optional(),
})
export type ServiceLogs = z.output<typeof Input>

export const serviceLogs: Kind<ServiceLogs> = {
  ...readingOnly,
  name: 'service.logs',
  version: 1,
  input: Input,
  example: { target: 'demo-api', lines: 100 },
  summary: ({ target, lines, since }) =>
    `read the last ${counted(lines, 'line')} of the log of ${target}${since === undefined ? '' : `, of the last ${since}`}`,
  async before({ target, since }, { world, signal }) {
    // It says so where there is no such service; some logs would be empty.
    await serviceProvider(world, target).state(signal)
    return { state: 'read', from: since === undefined ? null : Date.now() - millisecondsOf(since) }
  },
  postcondition: () => ({ kind: 'same_again' }),
  async execute(input, context, before) {
    const lines = await readLog(input, context, before.from as number | null)
    return effectOf(input, lines)
  },
  async again(input, context, first) {
    const shown = (first.result.data as { lines: string[] }).lines
    const lines = await readLog(input, context, null)
    const texts = lines.map(textOf)
    const same = shown.length === 0 || holds(texts, shown)
    const facts = { lines: shown.length, sha256: sha256(shown.join('\n')) }
    if (same)
      return {
        outcome: 'verified',
        same,
        observed: `a second reading of the log has the same ${counted(shown.length, 'line')}`,
        facts,
      }
    // More was logged in between than is read. The newer lines are what the next reading is compared with.
    Object.assign(first, effectOf(input, lines))
    return {
      outcome: 'failed',
      same,
      observed: 'a second reading of the log does not have these lines any more',
      facts,
    }
  },
  environment: ({ target }, world) => serviceProvider(world, target).environment,
}

/** Of the log, without secrets, as far as it is read. */
async function readLog({ target }: ServiceLogs, { world, signal }: Context, from: number | null): Promise<LogLine[]> {
  const configured = world.config.targets[target]
  if (configured?.type === 'process') registerSecretsOf(configured.env)
  const lines = await serviceProvider(world, target).logs(from ?? undefined, signal)
  if (from !== null && lines.length > 0 && lines.every(({ at }) => at === undefined))
    throw new DeedError(
      'invalid_request',
      `the lines in the log of ${target} have no times; ask for the last lines instead of since`,
      {
        path: '$.input.since',
      },
    )
  return withoutSecrets(lines).filter(({ at }) => from === null || (at !== undefined && at >= from))
}

/** A secret may have several lines, so all of them are searched as one text. */
function withoutSecrets(lines: readonly LogLine[]): LogLine[] {
  if (lines.length === 0) return []
  const texts = lines.map(({ text }) => text)
  const clean = redact(texts.join('\n')).split('\n')
  if (clean.length === lines.length) return lines.map((line, index) => ({ ...line, text: clean[index]! }))
  // A secret of several lines is one text now: what comes before it and behind it has kept its lines.
  const first = clean.findIndex((text, index) => text !== texts[index])
  const behind = clean.toReversed().findIndex((text, index) => text !== texts.at(-1 - index))
  const changed = clean.slice(first, clean.length - behind).map((text) => ({ ...lines[first]!, text }))
  return [...lines.slice(0, first), ...changed, ...lines.slice(lines.length - behind)]
}

/** Whether these lines are among those, in this order. */
function holds(lines: readonly string[], wanted: readonly string[]): boolean {
  let found = 0
  for (const line of lines) if (line === wanted[found]) found++
  return found === wanted.length
}

function effectOf({ target, lines: count }: ServiceLogs, read: readonly LogLine[]): Effect {
  const newest = read.slice(-count).map(textOf)
  const shown: string[] = []
  let chars = 0
  for (const line of newest.toReversed()) {
    chars += line.length + 1
    if (chars > TEXT_CHARS_MAX) break
    shown.unshift(line)
  }
  const truncated = shown.length < newest.length
  const text = shown.length === 0 ? `the log of ${target} has no lines of this time` : shown.join('\n')
  return {
    claimed: `read ${counted(shown.length, 'line')} of the log of ${target}`,
    result: { text, data: { target, lines: shown, truncated } },
    facts: { lines: shown.length, sha256: sha256(shown.join('\n')) },
  }
}

function textOf({ source, text }: LogLine): string {
  const line = exposedName(stripVTControlCharacters(text).replaceAll('\t', ' '))
  const cut = line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)}...` : line
  return source === undefined ? cut : `${source}: ${cut}`
}

const MILLISECONDS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const millisecondsOf = (since: string): number => Number(since.slice(0, -1)) * MILLISECONDS[since.at(-1)!]!
