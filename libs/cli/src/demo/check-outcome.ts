/** Whether a task of the demo ended as it should: by its reply, and by the world itself. */
import type { ExecutionReply } from '@deed/proto/execution'
import type { DemoTask, Expected, FileState } from './demo-plan.ts'
import type { Seen, SeenFile } from './observe-world.ts'

export interface Outcome {
  reply: ExecutionReply
  /** The highest that anybody was asked for. */
  level: number
  before: Seen
  after: Seen
}

export interface Verdict {
  /** What the world says, in sentences. */
  seen: string[]
  /** What is not as it should be; empty: all is. */
  wrong: string[]
}

export function checkOutcome({ reply: expected, world }: DemoTask, { reply, level, before, after }: Outcome): Verdict {
  const verdict: Verdict = { seen: [], wrong: wrongInReply(expected, reply, level) }
  const { service, files, sql } = world
  if (service) checkService(service, before, after, verdict)
  for (const [path, state] of Object.entries(files)) {
    checkFile(path, state, before.files[path], after.files[path], verdict)
  }
  if (sql) {
    verdict.seen.push(`the database itself counts ${after.value}`)
    if (after.value !== sql.value) verdict.wrong.push(`the database counts ${after.value}, not ${sql.value}`)
  }
  return verdict
}

function wrongInReply(expected: Expected, reply: ExecutionReply, level: number): string[] {
  const { metrics, verification } = reply
  const wrong: string[] = []
  const same = (what: string, wanted: unknown, found: unknown): void => {
    if (wanted !== undefined && wanted !== found) wrong.push(`${what} is ${found}, not ${wanted}`)
  }
  same('status', expected.status, reply.status)
  same('success', expected.success, metrics.success)
  same('method', expected.method, reply.method)
  same('cache_hit', expected.cache_hit, metrics.cache_hit)
  if (typeof expected.level === 'number') same('the level asked for', expected.level, level)
  else if (level < expected.level.at_least)
    wrong.push(`the level asked for is ${level}, below ${expected.level.at_least}`)
  same('the answer', expected.text, reply.result?.text)
  if (expected.already_so !== undefined) {
    const already = verification.some(({ already_so: one }) => one === true)
    same('already_so', expected.already_so, already)
  }
  if (
    expected.observed !== undefined &&
    !verification.some(({ observed }) => observed.includes(expected.observed ?? ''))
  ) {
    wrong.push(`nothing was observed about ${expected.observed}`)
  }
  const [reading] = reply.readings ?? []
  same('the reading', expected.reading?.text, reading?.text)
  same('who read it', expected.reading?.by, reading?.by)
  const left = verification.map(({ action_kind: kind, outcome }) => `${kind} ${outcome}`)
  for (const wanted of expected.evidence) {
    const at = left.indexOf(wanted)
    if (at < 0) wrong.push(`there is no evidence: ${wanted}`)
    else left.splice(at, 1)
  }
  if (expected.success && !verification.some(({ outcome }) => outcome === 'verified')) {
    wrong.push('nothing was verified')
  }
  return wrong
}

function checkService(
  { name, before: wanted, after: wantedAfter }: NonNullable<DemoTask['world']['service']>,
  before: Seen,
  after: Seen,
  { seen, wrong }: Verdict,
): void {
  const stateOf = (pid: number | undefined): string =>
    pid === undefined ? 'does not answer' : `answers as process ${pid}`
  seen.push(`${name} ${stateOf(after.pid)}; before, it ${before.pid === undefined ? 'did not' : `was ${before.pid}`}`)
  if ((before.pid === undefined) !== (wanted === 'down')) wrong.push(`${name} was not ${wanted} beforehand`)
  if (after.pid === undefined) wrong.push(`${name} does not answer`)
  else if (wantedAfter === 'another' && after.pid === before.pid) wrong.push(`${name} is the same process ${after.pid}`)
  else if (wantedAfter === 'same' && after.pid !== before.pid) wrong.push(`${name} is another process ${after.pid}`)
}

function checkFile(
  path: string,
  state: FileState,
  before: SeenFile | undefined,
  after: SeenFile | undefined,
  { seen, wrong }: Verdict,
): void {
  if (state === 'absent') {
    seen.push(`${path} is ${after ? 'there' : 'not there'}`)
    if (after) wrong.push(`${path} is there`)
    return
  }
  if (!after) {
    wrong.push(`${path} is not there`)
    return
  }
  if (state === 'unchanged') {
    const same = before?.sha256 === after.sha256 && before.mode === after.mode
    seen.push(
      `${path} ${same ? 'has its bytes and its mode' : 'is changed'}: sha256 ${after.sha256.slice(0, 12)}, ${after.mode}`,
    )
    if (!same) wrong.push(`${path} is not as it was: ${before?.sha256} ${before?.mode}`)
    return
  }
  seen.push(`${path} is on disk, ${Buffer.byteLength(after.text)} bytes`)
  if (state.before === 'absent' && before) wrong.push(`${path} was there beforehand`)
  if (!after.text.includes(state.contains)) wrong.push(`${path} does not contain ${JSON.stringify(state.contains)}`)
}
