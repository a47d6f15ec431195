/**
 * Requests that are almost right, very many of them, to every door there is.
 *
 * What its schema does not take is refused and leaves no row; what it takes is answered, or refused and leaves no row
 * either. Every answer is in the envelope; nothing dies; memory stays flat; the next good request is served.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJson } from '@deed/json/decode'
import { askRaw, type RawAnswer } from '@deed/mesh/ask-raw'
import { TIMEOUT_HEADER } from '@deed/mesh/headers'
import { inLanes } from '@deed/process/in-lanes'
import { until } from '@deed/process/until'
import type { RequestContract } from '@deed/proto/contract'
import { SERVICES } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import { DeedError, ErrorBody } from '@deed/proto/errors'
import { getExecution, requestExecution, SUBMIT_SUBJECT } from '@deed/proto/execution'
import { deleteGoal, listGoals } from '@deed/proto/goal'
import { ExecutionId } from '@deed/proto/ids'
import { deleteSchedule, listSchedules } from '@deed/proto/schedule'
import { cancelExecution } from '@deed/proto/steering'
import { countRows, countRowsAtRest } from '../harness/count-rows.ts'
import type { MeshUnderTest } from '../harness/mesh-under-test.ts'
import type { Random } from '../harness/random.ts'
import { residentOf } from '../harness/resident.ts'
import { goodRequests } from './good-requests.ts'
import { mutate, mutateHeaders } from './mutate.ts'

const LANES = 16
/** Held in memory at a time. */
const BATCH = 1_000
const ANSWER_MS_MAX = 30_000
/** What a mutant waits that does not say otherwise, so that none that is taken holds up the rest. */
const PATIENCE_MS = 3_000
/** Of the requests, those that a schema takes though something was changed, and those that go to the durable door. */
const OPEN_PART = 1 / 20
const SUBMIT_PART = 1 / 200
/** Before memory is looked at for the first time: code is compiled, pools and caches are full. */
const WARM_PART = 1 / 5
/** For the services of the mesh: with a heap as small as this, memory that is lost shows soon. */
export const SMALL_HEAP = { NODE_OPTIONS: '--max-old-space-size=96' }
/**
 * What a service may grow by from then on, where its heap is small. Measured for 100,000 requests: 3 to 32. One that
 * kept a kilobyte of each request would run into the end of its heap, and die.
 */
const GROWTH_MIB_MAX = 64
const WRONG_MAX = 10

export interface DoorCounts {
  requests: number
  refused: number
  /** Answered, though something was changed. */
  taken: number
  /** MiB that each service grew by. */
  growth: Record<string, number>
  wrong: string[]
}

interface Mutant {
  contract: RequestContract
  bytes: Uint8Array
  headers: Record<string, string>
}

/** What is wrong with an answer beyond what is with any. */
type Judge = (answer: RawAnswer, mutant: Mutant) => string | undefined

/** @param signal ends it after the requests that are under way */
export async function fuzzDoors(
  mesh: MeshUnderTest,
  random: Random,
  requests: number,
  signal?: AbortSignal,
): Promise<DoorCounts> {
  const counts: DoorCounts = { requests: 0, refused: 0, taken: 0, growth: {}, wrong: [] }
  const pids = pidsOf(mesh)
  const say = (wrong: string): void => {
    if (counts.wrong.length < WRONG_MAX) counts.wrong.push(wrong)
  }
  const sendDrawn = async (open: boolean, part: number, judge: Judge): Promise<void> => {
    for (let left = Math.ceil(requests * part); left > 0 && !signal?.aborted; left -= BATCH) {
      await sendAll(mesh, drawMutants(random, open, Math.min(left, BATCH)), counts, say, judge)
    }
  }
  const closed = (part: number): Promise<void> =>
    sendDrawn(false, part, ({ errorCode }) => (errorCode === '400' ? undefined : 'is not refused for good'))

  const calm = await rowsOnceCalm(mesh)
  await closed(WARM_PART)
  const warm = residentOf(mesh)
  await closed(1 - WARM_PART)
  for (const [name, mib] of Object.entries(residentOf(mesh))) {
    counts.growth[name] = Math.round(mib - (warm[name] ?? 0))
    if (mib - (warm[name] ?? 0) > GROWTH_MIB_MAX) say(`the ${name} grew by ${counts.growth[name]} MiB`)
  }
  sayWhereRowsChanged(calm, await rowsOnceCalm(mesh), say)

  const refused: Mutant[] = []
  await sendDrawn(true, OPEN_PART, ({ errorCode }, mutant) => {
    if (errorCode === '400') refused.push(mutant)
    return undefined
  })
  await clear(mesh)
  const before = await rowsOnceCalm(mesh)
  // Once more, with nothing else: what is refused again has changed nothing.
  let taken = false
  await sendAll(mesh, refused, counts, say, ({ errorCode }) => {
    taken ||= errorCode !== '400'
    return undefined
  })
  await clear(mesh)
  if (!taken) sayWhereRowsChanged(before, await rowsOnceCalm(mesh), say)

  await submitAll(mesh, drawMutants(random, false, Math.ceil(requests * SUBMIT_PART)), say)
  const { status } = await mesh.client.call(requestExecution, { task: 'create the folder after-all-that' })
  if (status !== 'done') say(`a good request afterwards is ${status}`)
  for (const [name, pid] of Object.entries(pidsOf(mesh))) if (pid !== pids[name]) say(`the ${name} has died`)
  return counts
}

const DOORS = CONTRACTS.flatMap((contract) =>
  contract.type === 'request' && contract.owner !== 'provider' ? [{ contract, good: goodRequests(contract) }] : [],
)

const drawMutants = (random: Random, open: boolean, count: number): Mutant[] =>
  Array.from({ length: count }, () => drawMutant(random, open))

/** @param open whether the contract's schema is to take it */
function drawMutant(random: Random, open: boolean): Mutant {
  for (;;) {
    const { contract, good } = random.pick(DOORS)
    const bytes = mutate(random.pick(good), random)
    if (isTaken(contract, bytes) === open) {
      return { contract, bytes, headers: { [TIMEOUT_HEADER]: String(PATIENCE_MS), ...mutateHeaders(random) } }
    }
  }
}

function isTaken({ input }: RequestContract, bytes: Uint8Array): boolean {
  try {
    return input.safeParse(decodeJson(bytes)).success
  } catch (error) {
    if (error instanceof DeedError) return false
    throw error
  }
}

async function sendAll(
  { client, mesh }: MeshUnderTest,
  mutants: readonly Mutant[],
  counts: DoorCounts,
  say: (wrong: string) => void,
  judge: Judge,
): Promise<void> {
  await inLanes(LANES, mutants, async (mutant) => {
    const { contract, bytes, headers } = mutant
    counts.requests++
    try {
      const answer = await askRaw(client.nc, contract.subject, bytes, { headers, timeoutMs: ANSWER_MS_MAX })
      if (answer.errorCode === undefined) counts.taken++
      else counts.refused++
      const wrong = judge(answer, mutant) ?? faultOf(contract, answer, mesh.dataDir)
      if (wrong !== undefined) say(`${shown(mutant)} ${wrong}: ${JSON.stringify(answer.body).slice(0, 300)}`)
    } catch (error) {
      say(`${shown(mutant)} has no answer: ${error instanceof Error ? error.message : error}`)
    }
  })
}

const shown = ({ contract, bytes, headers }: Mutant): string =>
  `${contract.subject} ${JSON.stringify(headers)} ${JSON.stringify(Buffer.from(bytes.subarray(0, 500)).toString())}`

/** Stacks, and names of the files that Deed is made of. */
const INSIDE = /\.ts:\d|node_modules|\n\s+at /

function faultOf(contract: RequestContract, { errorCode, body }: RawAnswer, dataDir: string): string | undefined {
  if (errorCode === undefined) return contract.output.safeParse(body).success ? undefined : 'has an answer of no form'
  const { data: error } = ErrorBody.strict().safeParse(body)
  if (!error) return 'is refused outside of the envelope'
  if (error.code === 'internal') return 'meets a bug'
  const text = JSON.stringify(error)
  return INSIDE.test(text) || text.includes(dataDir) ? 'is told of the inside' : undefined
}

/** What is durable is never refused: it becomes an execution that has failed, and what follows it is taken. */
async function submitAll(
  { client }: MeshUnderTest,
  mutants: readonly Mutant[],
  say: (wrong: string) => void,
): Promise<void> {
  const jetstream = client.nc.jetstream()
  await inLanes(LANES, mutants, async (mutant) => {
    if (isTaken(requestExecution, mutant.bytes)) return
    const { seq } = await jetstream.publish(SUBMIT_SUBJECT, mutant.bytes)
    const found = await until(() => client.call(getExecution, { sequence: seq }).catch(() => undefined), {
      what: `an execution for submission ${seq}`,
    })
    if (found.status !== 'failed' || found.tasks.length > 0) say(`submitted, ${shown(mutant)} is ${found.status}`)
  })
}

/** What was taken continues by itself: it is ended, so that rows can be counted. */
async function clear({ client, database }: MeshUnderTest): Promise<void> {
  const { goals } = await client.call(listGoals, {})
  for (const { name } of goals) await client.call(deleteGoal, { name })
  const { schedules } = await client.call(listSchedules, {})
  for (const { name } of schedules) await client.call(deleteSchedule, { name })
  const { rows } = await database.query<{ id: string }>(
    'select execution_id as id from orchestrator.executions where not followed_up',
  )
  for (const { id } of rows) {
    // It may have ended meanwhile.
    await client.call(cancelExecution, { execution_id: ExecutionId.parse(id) }).catch(() => undefined)
  }
}

const CALM_MS = 200

/** Once two counts in a row are the same: what an execution leaves to be learned from comes after its end. */
async function rowsOnceCalm({ database }: MeshUnderTest): Promise<Record<string, number>> {
  return until(
    async () => {
      const rows = await countRowsAtRest(database)
      await sleep(CALM_MS)
      return JSON.stringify(rows) === JSON.stringify(await countRows(database)) ? rows : undefined
    },
    { what: 'calm', timeoutMs: 60_000 },
  )
}

function sayWhereRowsChanged(
  before: Record<string, number>,
  after: Record<string, number>,
  say: (wrong: string) => void,
): void {
  for (const [table, count] of Object.entries(after)) {
    if (count !== before[table]) say(`${table} has ${count} rows after refusals, ${before[table]} before`)
  }
}

const pidsOf = ({ mesh }: MeshUnderTest): Record<string, number | undefined> =>
  Object.fromEntries(SERVICES.map((name) => [name, mesh.service(name).pid]))
