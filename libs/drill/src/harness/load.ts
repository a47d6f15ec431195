/** Executions by chance: what they ask for, and how the world has to look when they have ended. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { COUNTED_FOLDER, type FaultMesh, type Yard } from './fault-mesh.ts'
import type { HttpWitness } from './http-witness.ts'
import type { Random } from './random.ts'

export interface Wanted {
  readonly key: string
  /** Where it is done. */
  readonly workspace: string
  readonly task: string
  /** `undone`: a step of it only claims to be done, so that the steps before it have to be taken back. */
  readonly ends: 'done' | 'undone'
  /** How often its effect was seen from outside; `undefined` where nothing counts it. */
  times?(): number
  /** What is not as it has to be now that it has ended. */
  wrong(): string | undefined
}

type Make = (place: Yard & { requests: HttpWitness }, key: string) => Omit<Wanted, 'key' | 'workspace'>

const write: Make = ({ files, root }, key) => ({
  task: `write "it" to ${key}`,
  ends: 'done',
  times: () => files.changesOf(key),
  wrong: () => (contentOf(root, key) === 'it' ? undefined : 'the file is not there, or not whole'),
})

const overwrite: Make = ({ root }, key) => {
  writeFileSync(join(root, key), 'old')
  return {
    task: `write "new" to ${key}`,
    ends: 'done',
    wrong: () => (contentOf(root, key) === 'new' ? undefined : 'the file has not the new content'),
  }
}

const patch: Make = ({ root }, key) => {
  writeFileSync(join(root, `${key}.txt`), 'first\nold\nlast\n')
  return {
    task: `patch the middle of ${key}.txt`,
    ends: 'done',
    wrong: () => (contentOf(root, `${key}.txt`) === 'first\nnew\nlast\n' ? undefined : 'the patch is not in the file'),
  }
}

const folder: Make = ({ root }, key) => ({
  task: `create the folder ${key}`,
  ends: 'done',
  wrong: () => (existsSync(join(root, key)) ? undefined : 'the folder is not there'),
})

const move: Make = ({ root }, key) => {
  writeFileSync(join(root, `${key}.txt`), key)
  return {
    task: `move ${key}.txt to ${key}-moved.txt`,
    ends: 'done',
    wrong: () =>
      contentOf(root, `${key}-moved.txt`) === key && !existsSync(join(root, `${key}.txt`))
        ? undefined
        : 'the file was not moved',
  }
}

const remove: Make = ({ root }, key) => {
  writeFileSync(join(root, `${key}.txt`), key)
  return {
    task: `delete the file ${key}.txt`,
    ends: 'done',
    wrong: () => (existsSync(join(root, `${key}.txt`)) ? 'the file is still there' : undefined),
  }
}

const run: Make = ({ root }, key) => {
  const name = `${COUNTED_FOLDER}/${key}`
  return {
    task: `run \`sh count.sh ${name} 0.1\` and expect the file ${name}.out`,
    ends: 'done',
    times: () => (contentOf(root, `${name}.out`) ?? '').split('\n').length - 1,
    wrong: () => (existsSync(join(root, `${name}.out`)) ? undefined : 'the command left no file'),
  }
}

const tell: Make = ({ requests }, key) => ({
  task: `tell the witness "${key}"`,
  ends: 'done',
  times: () => requests.keysOf(key).length,
  wrong: () => (requests.keysOf(key).length > 0 ? undefined : 'the witness was told nothing'),
})

/** The command says that it has written a file, and does nothing. */
const claim: Make = ({ root }, key) => ({
  task: `run \`sh claim.sh ${key}\` and expect the file ${key}.out`,
  ends: 'undone',
  wrong: () => (existsSync(join(root, `${key}.out`)) ? 'a file came from nowhere' : undefined),
})

const several: Make = ({ root }, key) => {
  writeFileSync(join(root, `${key}.txt`), 'old')
  const file = `write "new" to ${key}.txt`
  const made = `write "it" to ${key}`
  return {
    task: `${file}, then ${made}, then run \`sh claim.sh ${key}\` and expect the file ${key}.out`,
    ends: 'undone',
    wrong: () =>
      contentOf(root, `${key}.txt`) === 'old' && !existsSync(join(root, key))
        ? undefined
        : 'the steps before the one that failed were not taken back',
  }
}

/** As often as each is listed here. */
const MIX = [write, write, write, write, overwrite, patch, folder, move, remove, run, tell, tell, tell, claim, several]

/** Draws what is wanted, and prepares the world for it. */
export function drawLoad(mesh: FaultMesh, random: Random, executions: number): Wanted[] {
  return Array.from({ length: executions }, (_, index) => {
    const key = `load-${index}`
    const yard = random.pick(mesh.yards)
    return { key, workspace: yard.name, ...random.pick(MIX)({ ...yard, requests: mesh.requests }, key) }
  })
}

const contentOf = (root: string, name: string): string | undefined =>
  existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : undefined
