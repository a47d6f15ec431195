/** Two promises that are counted over many executions: a claim is never believed, and a failure leaves no trace. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inLanes } from '@deed/process/in-lanes'
import { ask } from './harness/ask.ts'
import type { FaultMesh, Yard } from './harness/fault-mesh.ts'
import type { Random } from './harness/random.ts'
import { standstill } from './harness/standstill.ts'
import { treeOf } from './harness/tree-of.ts'

/** Programs in one workspace run one after the other: a few more than there are workspaces keep all of them busy. */
const LANES = 24
const STEPS_MAX = 4

export interface Counted {
  tried: number
  held: number
  /** The first few that did not hold. */
  wrong: string[]
}

const WRONG_MAX = 5

/** Commands that say that they have written a file, and end well, and have not. */
export async function claimsAreCaught(mesh: FaultMesh, count: number): Promise<Counted> {
  const counted: Counted = { tried: 0, held: 0, wrong: [] }
  const claims = Array.from({ length: count }, (_, index) => ({ name: `claims-${index}`, yard: yardOf(mesh, index) }))
  await inLanes(LANES, claims, async ({ name, yard }) => {
    const task = `run \`sh claim.sh ${name}\` and expect the file ${name}.out`
    const reply = await answerTo(mesh, yard, task, name)
    if (typeof reply === 'string') return add(counted, false, reply)
    const { status, metrics } = reply
    add(counted, status !== 'done' && !metrics.success, `${name} is believed`)
  })
  return counted
}

/** Executions of several actions that fail at a random one: the folder they worked in is as it was, to the byte. */
export async function failuresLeaveNoTrace(mesh: FaultMesh, random: Random, count: number): Promise<Counted> {
  const counted: Counted = { tried: 0, held: 0, wrong: [] }
  const tasks = Array.from({ length: count }, (_, index) => {
    const name = `trace-${index}`
    const yard = yardOf(mesh, index)
    // Before anything runs: what a program finds changed when it has ended counts as its own.
    furnish(join(yard.root, name))
    return { name, yard, task: failing(random, name) }
  })
  await inLanes(LANES, tasks, async ({ name, yard, task }) => {
    const folder = join(yard.root, name)
    const before = treeOf(folder)
    const reply = await answerTo(mesh, yard, task, name)
    if (typeof reply === 'string') return add(counted, false, reply)
    const { status, error } = reply
    const after = treeOf(folder)
    const same = after === before
    const why = same ? `is ${status}: ${error?.message}` : `left a trace as ${status}\n${before}\n--\n${after}`
    add(counted, same && (status === 'rolled_back' || status === 'failed'), `${task} ${why}`)
  })
  return counted
}

function yardOf({ yards }: FaultMesh, index: number): Yard {
  const yard = yards[index % yards.length]
  if (!yard) throw new Error('the mesh has no yards')
  return yard
}

/** Or why there is none, and what does not move. */
const answerTo = (mesh: FaultMesh, { name: workspace }: Yard, task: string, key: string) =>
  ask(mesh.client, { task, context: { workspace }, idempotency_key: key }).catch(
    async (error: Error) => `${error.message}\n${await standstill(mesh)}`,
  )

function add(counted: Counted, held: boolean, wrong: string): void {
  counted.tried++
  if (held) counted.held++
  else if (counted.wrong.length < WRONG_MAX) counted.wrong.push(wrong)
}

/** Files of several modes, an empty one, bytes that are no text, a folder, and links that lead somewhere and nowhere. */
function furnish(folder: string): void {
  mkdirSync(join(folder, 'sub'), { recursive: true })
  writeFileSync(join(folder, 'a.txt'), 'a\n')
  writeFileSync(join(folder, 'b.txt'), 'without an end of line')
  writeFileSync(join(folder, 'run.sh'), 'true\n')
  chmodSync(join(folder, 'run.sh'), 0o755)
  writeFileSync(join(folder, 'secret.txt'), 'closed')
  chmodSync(join(folder, 'secret.txt'), 0o600)
  writeFileSync(join(folder, 'sub', 'bytes.bin'), Buffer.from([0, 255, 13, 10, 128]))
  writeFileSync(join(folder, 'sub', 'empty.txt'), '')
  symlinkSync('a.txt', join(folder, 'link'))
  symlinkSync('nowhere', join(folder, 'dangling'))
}

/** Steps that succeed, each on files of its own, and one among them that only claims to. */
function failing(random: Random, name: string): string {
  const steps = [
    `write "new" to ${name}/a.txt`,
    `write "made" to ${name}/made.txt`,
    `write "deep" to ${name}/deep/er/file.txt`,
    `create the folder ${name}/folder`,
    `move ${name}/b.txt to ${name}/sub/b.txt`,
    `delete the file ${name}/secret.txt`,
    `write "other" to ${name}/run.sh`,
    `delete the file ${name}/sub/empty.txt`,
    `run \`sh count.sh ${name}/counted 0\` and expect the file ${name}/counted.out`,
  ]
  const chosen: string[] = []
  for (let count = random.between(1, STEPS_MAX); count > 0; count--) {
    chosen.push(...steps.splice(random.between(0, steps.length - 1), 1))
  }
  const at = random.between(0, chosen.length)
  chosen.splice(at, 0, `run \`sh claim.sh ${name}/none\` and expect the file ${name}/none.out`)
  return chosen.join(', then ')
}
