/** Executions by chance: what they ask for, and how the world has to look when they have ended. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FaultMesh } from './fault-mesh.ts'
import type { Random } from './random.ts'

export interface Wanted {
  readonly key: string
  readonly task: string
  /** `undone`: a step of it only claims to be done, so that the steps before it have to be taken back. */
  readonly ends: 'done' | 'undone'
  /** How often its effect was seen from outside; `undefined` where nothing counts it. */
  times?(): number
  /** What is not as it has to be now that it has ended. */
  wrong(): string | undefined
}

type Make = (mesh: FaultMesh, key: string) => Omit<Wanted, 'key'>

const write: Make = ({ files, workspace }, key) => ({
  task: `write "it" to ${key}`,
  ends: 'done',
  times: () => files.changesOf(key),
  wrong: () => (contentOf(workspace, key) === 'it' ? undefined : 'the file is not there, or not whole'),
})

const overwrite: Make = ({ workspace }, key) => {
  writeFileSync(join(workspace, key), 'old')
  return {
    task: `write "new" to ${key}`,
    ends: 'done',
    wrong: () => (contentOf(workspace, key) === 'new' ? undefined : 'the file has not the new content'),
  }
}

const folder: Make = ({ workspace }, key) => ({
  task: `create the folder ${key}`,
  ends: 'done',
  wrong: () => (existsSync(join(workspace, key)) ? undefined : 'the folder is not there'),
})

const move: Make = ({ workspace }, key) => {
  writeFileSync(join(workspace, `${key}.txt`), key)
  return {
    task: `move ${key}.txt to ${key}-moved.txt`,
    ends: 'done',
    wrong: () =>
      contentOf(workspace, `${key}-moved.txt`) === key && !existsSync(join(workspace, `${key}.txt`))
        ? undefined
        : 'the file was not moved',
  }
}

const remove: Make = ({ workspace }, key) => {
  writeFileSync(join(workspace, `${key}.txt`), key)
  return {
    task: `delete the file ${key}.txt`,
    ends: 'done',
    wrong: () => (existsSync(join(workspace, `${key}.txt`)) ? 'the file is still there' : undefined),
  }
}

const run: Make = ({ workspace }, key) => ({
  task: `run \`sh count.sh ${key} 0.1\` and expect the file ${key}.out`,
  ends: 'done',
  times: () => (contentOf(workspace, `${key}.out`) ?? '').split('\n').length - 1,
  wrong: () => (existsSync(join(workspace, `${key}.out`)) ? undefined : 'the command left no file'),
})

const tell: Make = ({ requests }, key) => ({
  task: `tell the witness "${key}"`,
  ends: 'done',
  times: () => requests.keysOf(key).length,
  wrong: () => (requests.keysOf(key).length > 0 ? undefined : 'the witness was told nothing'),
})

/** The command says that it has written a file, and does nothing. */
const claim: Make = ({ workspace }, key) => ({
  task: `run \`sh claim.sh ${key}\` and expect the file ${key}.out`,
  ends: 'undone',
  wrong: () => (existsSync(join(workspace, `${key}.out`)) ? 'a file came from nowhere' : undefined),
})

const several: Make = ({ workspace }, key) => {
  writeFileSync(join(workspace, `${key}.txt`), 'old')
  const file = `write "new" to ${key}.txt`
  const made = `write "it" to ${key}`
  return {
    task: `${file}, then ${made}, then run \`sh claim.sh ${key}\` and expect the file ${key}.out`,
    ends: 'undone',
    wrong: () =>
      contentOf(workspace, `${key}.txt`) === 'old' && !existsSync(join(workspace, key))
        ? undefined
        : 'the steps before the one that failed were not taken back',
  }
}

/** As often as each stands here. */
const MIX = [write, write, write, write, overwrite, folder, move, remove, run, tell, tell, tell, claim, several]

/** Draws what is wanted, and prepares the world for it. */
export function drawLoad(mesh: FaultMesh, random: Random, executions: number, stem: string): Wanted[] {
  return Array.from({ length: executions }, (_, index) => {
    const key = `${stem}-${index}`
    return { key, ...random.pick(MIX)(mesh, key) }
  })
}

const contentOf = (workspace: string, name: string): string | undefined =>
  existsSync(join(workspace, name)) ? readFileSync(join(workspace, name), 'utf8') : undefined
