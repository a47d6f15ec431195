/**
 * Histories by chance against a model: people ask, ask again, agree, deny, cancel, roll back, retry, hold and decide at
 * any moment, while services and servers die and messages come twice. The model knows which ends each execution may
 * have by then, and how often its effect may have been seen; both are looked at when it is quiet again.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '@deed/process/until'
import { getExecution } from '@deed/proto/execution'
import { FINAL_EXECUTION_STATUSES } from '@deed/proto/states'
import { resumeExecution } from '@deed/proto/steering'
import { checkAtAnyTime, checkInvariants } from './harness/check-invariants.ts'
import type { CountedEffect } from './harness/effects.ts'
import type { FaultMesh } from './harness/fault-mesh.ts'
import { type Random, randomFrom } from './harness/random.ts'
import { repeatMessages } from './harness/repeat-messages.ts'
import { standstill } from './harness/standstill.ts'
import {
  agree,
  CALL_MS,
  COMMANDS,
  DECIDED,
  decideReview,
  type Entry,
  find,
  type Model,
  outcome,
  PAUSE_MS_MAX,
  repeat,
  submit,
} from './model-commands.ts'

const SEEN_MS = 100
const SEED_MAX = 2 ** 31
const END_MS_MAX = 60_000

export interface ModelReport {
  executions: number
  /** What was done, in words, in its order. */
  steps: string[]
  /** What did not hold. */
  wrong: string[]
}

/** Leaves everything running and quiet. */
export async function runModel(mesh: FaultMesh, random: Random, steps: number, stem = 'model'): Promise<ModelReport> {
  const model: Model = { mesh, random, stem, entries: [], steps: [], wrong: [] }
  {
    // How much each of them draws is up to the moment: so that none of it moves what the others draw.
    const own = (): Random => randomFrom(random.between(0, SEED_MAX))
    using _ = repeatMessages(mesh, own())
    for (let step = 0; step < steps; step++) {
      const command = model.entries.length === 0 ? submit : random.pick(COMMANDS)
      model.steps.push(await command({ ...model, random: own() }))
      await checkAtAnyTime(mesh.database).catch((error: Error) => model.wrong.push(error.message))
      await sleep(random.between(0, PAUSE_MS_MAX))
    }
  }
  await mesh.heal()
  try {
    await Promise.all(model.entries.map((entry) => bringToEnd(model, entry)))
    await checkInvariants(mesh.database)
    await Promise.all(model.entries.map((entry) => judge(model, entry)))
  } catch (error) {
    const { message, cause } = error instanceof Error ? error : new Error(String(error))
    const because = cause instanceof Error ? ` (${cause.message})` : ''
    model.wrong.push(`${message}${because}\n${await standstill(mesh)}`)
  }
  return { executions: model.entries.length, steps: model.steps, wrong: model.wrong }
}

/** Callers without an answer ask again; work on hold continues, and people decide what they are asked. */
async function bringToEnd(model: Model, entry: Entry): Promise<void> {
  const { mesh, random, wrong } = model
  await until(
    async () => {
      const found = await find(mesh, entry)
      if (!found) await repeat(mesh, entry, wrong)
      else if ((FINAL_EXECUTION_STATUSES as ReadonlySet<string>).has(found.status)) return true
      else if (found.status === 'paused')
        await mesh.client.call(resumeExecution, { execution_id: found.execution_id }, { timeoutMs: CALL_MS })
      else if (found.approval_id !== undefined) {
        const id = found.approval_id
        const decided = async (): Promise<string> =>
          entry.agreed === undefined
            ? decideReview(mesh, random, entry, id)
            : agree(mesh, entry, id, random.pick(['approve', 'deny']))
        await outcome(wrong, DECIDED, decided)
      }
      return undefined
    },
    { timeoutMs: END_MS_MAX, what: `the end of ${entry.key}` },
  )
}

/** NaN where what it left behind is not whole. */
async function seen(effect: CountedEffect): Promise<number> {
  // The kernel tells of a file a moment after it is there.
  await sleep(SEEN_MS)
  try {
    return effect.count()
  } catch {
    return Number.NaN
  }
}

async function judge({ mesh, wrong }: Model, entry: Entry): Promise<void> {
  const { key, request, effect, may, kept, agreed, untouched, id } = entry
  const reply = await mesh.client.call(getExecution, { idempotency_key: key })
  const { status, verification, execution_id } = reply
  const says = (what: string): number => wrong.push(`${key} (${request.task}) is ${status}: ${what}`)
  if (id !== undefined && id !== execution_id) says(`it was ${id}, and is ${execution_id}`)
  const times = await seen(effect)
  if (Number.isNaN(times)) says('a part of its effect is there, and a part is not')
  if (!may.has(status)) says(`it may be ${[...may].join(', ')}${untouched ? ', and nobody has steered it' : ''}`)
  if (status === 'done') {
    // The kernel tells of a file that was undone and made again several times.
    if (times < 1) says('its effect is not there')
    if (untouched && times !== 1) says(`it happened ${times} times`)
    // What a person has skipped, or done, is reported with the evidence that it had failed.
    const asked = request.on_failure === 'ask'
    if (!asked && verification.some(({ outcome: seen }) => seen !== 'verified')) says('it is not verified')
  }
  if (entry.irreversible && times > 1) says(`it happened ${times} times`)
  if (agreed === false && times > 0) says('nobody has agreed to it')
  if (status === 'denied' && times > 0) says('it happened all the same')
  const gone = status === 'rolled_back' || status === 'failed' || (status === 'cancelled' && !kept)
  if (gone && times > 0) says('its effect is still there')
}
