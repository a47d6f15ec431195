/** Effects that are counted outside of Deed: asked for in words, and looked at without it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '@deed/process/until'
import type { ExecutionReply } from '@deed/proto/execution'
import { ask } from './ask.ts'
import { COUNTED_FOLDER, type FaultMesh } from './fault-mesh.ts'

const TOLD_MS_MAX = 5_000

export interface CountedEffect {
  readonly name: string
  readonly task: string
  /** How often it happened and was not taken back. */
  count(): number
}

/** A file is put in place; the kernel tells how often. */
export const fileEffect = ({ files, workspace }: FaultMesh, name: string): CountedEffect => ({
  name,
  task: `write "it" to ${name}`,
  count: () => (existsSync(join(workspace, name)) ? files.changesOf(name) : 0),
})

/** A program runs and leaves a line for each time; what it leaves is taken back with it. */
export const commandEffect = ({ read, workspace }: FaultMesh, key: string, seconds = 0.3): CountedEffect => {
  // Not in the root of the workspace, where not every sandbox lets a program make names.
  const name = `${COUNTED_FOLDER}/${key}`
  return {
    name,
    task: `run \`sh count.sh ${name} ${seconds}\` and expect the file ${name}.out`,
    count: () => (existsSync(join(workspace, `${name}.out`)) ? read(`${name}.runs`).split('\n').length - 1 : 0),
  }
}

/** A server is asked to change something that nobody can take back. */
export const requestEffect = ({ requests }: FaultMesh, name: string): CountedEffect => ({
  name,
  task: `tell the witness "${name}"`,
  count: () => requests.keysOf(name).length,
})

export const askFor = ({ client }: FaultMesh, { task, name }: CountedEffect): Promise<ExecutionReply> =>
  ask(client, { task, idempotency_key: name })

/** @throws unless it is done, every piece of evidence says so, and the witness counted one */
export async function assertDoneOnce(effect: CountedEffect, reply: ExecutionReply): Promise<void> {
  const { status, metrics, verification, error } = reply
  assert.equal(status, 'done', `${effect.name} is ${status}: ${error?.message ?? 'without a reason'}`)
  assert.equal(metrics.success, true, `${effect.name} is done, and no success`)
  for (const { outcome } of verification) assert.equal(outcome, 'verified', `${effect.name} is done, and not verified`)
  // The kernel tells of a file a moment after it is there.
  await until(() => effect.count() > 0, { timeoutMs: TOLD_MS_MAX, what: `the effect of ${effect.name}` })
  assert.equal(effect.count(), 1, `${effect.name} happened ${effect.count()} times`)
}
