/** The drill: every fault in turn, then a load with faults by chance, on a mesh of its own, and the verdict. */
import { randomInt } from 'node:crypto'
import { type DoorCounts, fuzzDoors, SMALL_HEAP } from './door/fuzz-doors.ts'
import { FAULTS } from './faults.ts'
import { checkInvariants } from './harness/check-invariants.ts'
import { type FaultMesh, faultMesh } from './harness/fault-mesh.ts'
import { thisMachine } from './harness/machine.ts'
import { meshUnderTest } from './harness/mesh-under-test.ts'
import { type Random, randomFrom } from './harness/random.ts'
import { trialOn, tryFault, type Verdict } from './harness/try-fault.ts'
import { runModel } from './model.ts'
import { type LoadCounts, type LoadReport, runLoad } from './run-load.ts'
import { type Counted, claimsAreCaught, failuresLeaveNoTrace } from './scenarios.ts'

const SEED_MAX = 2 ** 31
/** Of the executions of the load, as many more that claim, and that fail half-way. */
const CLAIMS_PART = 1 / 4
const FAILURES_PART = 1 / 2
/** Histories against the model; one has a few dozen executions of its own. */
const HISTORIES_PART = 1 / 100
const HISTORY_STEPS = 25
/** And requests that are almost right. */
const REQUESTS_PER_EXECUTION = 50

export interface DrillOptions {
  /** Of all that is left to chance; drawn where none is given. */
  seed?: number | undefined
  /** Of the load; 0: no load, and nothing that is counted over many executions. */
  executions: number
  /** Histories by chance against the model. Default: one for each 100 executions. */
  histories?: number | undefined
  /** Requests that are almost right, to every door. Default: 50 for each execution. */
  requests?: number | undefined
  /** Ids of the faults to try. Default: all of them. */
  only?: readonly string[] | undefined
  /** Told of each part as it begins and ends. */
  progress?(line: string): void
  /** Ends it after the part that is under way, with everything stopped and removed. */
  signal?: AbortSignal | undefined
}

export interface DrillReport extends LoadCounts {
  seed: number
  /** How long after the last fault of the load everything had ended, in milliseconds. */
  quiet_after_ms: number
  faults: Record<string, Verdict>
  /** Commands that claimed success and did nothing, and how many of them were not believed. */
  claims: { tried: number; caught: number }
  /** Executions that failed half-way, and after how many of them everything was as before, to the byte. */
  failures: { tried: number; restored: number }
  /** Histories by chance, and how many of them ended as the model says. */
  histories: { tried: number; held: number }
  /** Requests that were almost right, and how many were refused; the others are answered. */
  doors: { requests: number; refused: number; growth_mib: Record<string, number> }
  /** What did not hold, beyond the faults. */
  wrong: string[]
}

/** Whether everything held. What this machine could not try is no failure, and is named. */
export const allHeld = ({ faults, wrong, unverified, duplicates, lost, stuck }: DrillReport): boolean =>
  wrong.length === 0 &&
  unverified + duplicates + lost + stuck === 0 &&
  Object.values(faults).every((verdict) => !verdict.startsWith('broken'))

export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const { seed = randomInt(SEED_MAX), executions, only, progress = () => undefined, signal } = options
  progress(`seed ${seed}`)
  const random = randomFrom(seed)
  const faults = await tryFaults(random, { only, progress, signal })
  const none: Counted = { tried: 0, held: 0, wrong: [] }
  const over = { load: NO_LOAD, claims: none, failures: none }
  if (executions > 0 && !signal?.aborted) Object.assign(over, await tryMany(random, { executions, progress, signal }))
  const { load, claims, failures } = over
  const wantedHistories = options.histories ?? Math.ceil(executions * HISTORIES_PART)
  const histories = await tryHistories(random, { histories: wantedHistories, progress, signal })
  const requests = options.requests ?? executions * REQUESTS_PER_EXECUTION
  const doors = await tryDoors(random, { requests, progress, signal })
  const { disturbances: _, wrong, ...counts } = load
  return {
    seed,
    ...counts,
    claims: { tried: claims.tried, caught: claims.held },
    failures: { tried: failures.tried, restored: failures.held },
    histories: { tried: histories.tried, held: histories.held },
    doors: { requests: doors.requests, refused: doors.refused, growth_mib: doors.growth },
    wrong: [
      ...wrong,
      ...claims.wrong,
      ...failures.wrong,
      ...histories.wrong,
      ...doors.wrong,
      ...(signal?.aborted ? ['it was interrupted'] : []),
    ],
    faults,
  }
}

interface Part {
  executions: number
  progress: (line: string) => void
  signal: AbortSignal | undefined
}

const NO_LOAD: LoadReport = {
  ...{ accepted: 0, executed: 0, verified: 0, unverified: 0, duplicates: 0, lost: 0, stuck: 0 },
  quiet_after_ms: 0,
  wrong: [],
  disturbances: [],
}

async function tryFaults(
  random: Random,
  { only, progress, signal }: Pick<Part, 'progress' | 'signal'> & Pick<DrillOptions, 'only'>,
): Promise<Record<string, Verdict>> {
  const machine = thisMachine()
  const wanted = only === undefined ? FAULTS : FAULTS.filter(({ id }) => only.includes(id))
  const faults: Record<string, Verdict> = {}
  let mesh: FaultMesh | undefined
  try {
    for (const fault of wanted) {
      if (signal?.aborted) break
      const begun = performance.now()
      const missing = fault.needs?.(machine)
      mesh ??= missing === undefined ? await faultMesh() : undefined
      const verdict: Verdict =
        missing === undefined && mesh ? await tryFault(fault, trialOn(mesh, random, fault.id)) : `skipped: ${missing}`
      faults[fault.id] = verdict
      progress(`${fault.id}  ${fault.title}, ${secondsSince(begun)}: ${verdict}`)
      // What is broken would be in the way of all that follow.
      if (verdict.startsWith('broken')) {
        await mesh?.[Symbol.asyncDispose]()
        mesh = undefined
      }
    }
  } finally {
    await mesh?.[Symbol.asyncDispose]()
  }
  return faults
}

async function tryMany(
  random: Random,
  { executions, progress, signal }: Part,
): Promise<{ load: LoadReport; claims: Counted; failures: Counted }> {
  await using mesh = await faultMesh()
  await mesh.another('executor')
  let begun = performance.now()
  const load = await runLoad(mesh, random, executions)
  await checkInvariants(mesh.database).catch((error: Error) => load.wrong.push(error.message))
  progress(`${executions} executions and ${load.disturbances.length} faults by chance, ${secondsSince(begun)}`)
  const counted = signal?.aborted ? 0 : executions
  begun = performance.now()
  const claims = await claimsAreCaught(mesh, Math.ceil(counted * CLAIMS_PART))
  progress(`${claims.held} of ${claims.tried} empty claims caught, ${secondsSince(begun)}`)
  begun = performance.now()
  const failures = await failuresLeaveNoTrace(mesh, random, Math.ceil(counted * FAILURES_PART))
  progress(`${failures.held} of ${failures.tried} failures left no trace, ${secondsSince(begun)}`)
  await checkInvariants(mesh.database).catch((error: Error) => load.wrong.push(error.message))
  return { load, claims, failures }
}

/** Each has a seed of its own, which is printed where it does not hold. */
async function tryHistories(
  random: Random,
  { histories, progress, signal }: { histories: number } & Pick<Part, 'progress' | 'signal'>,
): Promise<Counted> {
  const counted: Counted = { tried: 0, held: 0, wrong: [] }
  let mesh: FaultMesh | undefined
  try {
    while (counted.tried < histories && !signal?.aborted) {
      mesh ??= await faultMesh()
      const begun = performance.now()
      const seed = random.between(0, SEED_MAX - 1)
      const number = ++counted.tried
      const { executions, wrong } = await runModel(mesh, randomFrom(seed), HISTORY_STEPS, `history-${number}`)
      progress(
        `history ${number} of ${histories}, seed ${seed}, ${executions} executions, ${secondsSince(begun)}: ${wrong.length === 0 ? 'held' : 'broken'}`,
      )
      if (wrong.length === 0) {
        counted.held++
        continue
      }
      counted.wrong.push(...wrong.map((what) => `history of seed ${seed} and ${HISTORY_STEPS} steps: ${what}`))
      await mesh[Symbol.asyncDispose]()
      mesh = undefined
    }
  } finally {
    await mesh?.[Symbol.asyncDispose]()
  }
  return counted
}

async function tryDoors(
  random: Random,
  { requests, progress, signal }: { requests: number } & Pick<Part, 'progress' | 'signal'>,
): Promise<DoorCounts> {
  if (requests === 0 || signal?.aborted) return { requests: 0, refused: 0, taken: 0, growth: {}, wrong: [] }
  await using mesh = await meshUnderTest({ supervise: false, thinkers: 'apart', env: SMALL_HEAP })
  const begun = performance.now()
  const counts = await fuzzDoors(mesh, random, requests, signal)
  progress(`${counts.requests} requests almost right, ${counts.refused} of them refused, ${secondsSince(begun)}`)
  return counts
}

const secondsSince = (begun: number): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`
