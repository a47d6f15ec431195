/** Task texts as people combine them, drawn from lists by a seed: the same seed gives the same texts. */
import type { Goal } from '@deed/task-decomposer/decomposing/decompose'

const NAMES = ['orders', 'user events', 'invoices', 'the audit log', 'stock items', 'payments']
const SERVICES = ['demo-api', 'web-01', 'billing', 'worker-2']
const FILES = ['a.txt', 'notes/b.md', 'src/c.js', 'config/d.yaml']
const LANGUAGES = ['', ' in javascript', ' in typescript', ' in python', ' in go', ' (elixir)']
const JOINTS = [', then ', ' and ', ', ', '. Then ', '; ', ', and ', '\n', ' and then ', ', after that ']
const CRITERIA = [
  'a.txt exists',
  'notes/b.md contains "x"',
  'demo-api is running',
  'web-01 is stopped',
  'the folder src exists',
  'it feels right',
  'nobody complains',
  'migrations/create_orders.sql exists',
]

/** @returns numbers from 0 up to a bound, the same for the same seed */
export function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export function generatedTasks(count: number, seed = 42): Goal[] {
  const draw = seeded(seed)
  const one = <T>(of: readonly T[]): T => of[draw(of.length)] as T
  const clauses: (() => string)[] = [
    () => `create a table for ${one(NAMES)}`,
    () => `create the ${one(['table', 'endpoint', 'tests', 'migration', 'consumer'])}`,
    () => `create an endpoint for ${one(NAMES)}${one(LANGUAGES)}`,
    () => `write tests for ${one(NAMES)}${one(LANGUAGES)}`,
    () => `create a crud for ${one(NAMES)}${one(LANGUAGES)}`,
    () => `create the ${one(NAMES)} table, then the endpoint, then tests`,
    () => `build an ${one(NAMES)} service with a table, an endpoint and tests`,
    () => `${one(['restart', 'stop', 'start', 'safely restart'])} ${one(SERVICES)}`,
    () => `restart ${one(SERVICES)} safely`,
    () => `check that ${one(SERVICES)} is running`,
    () => `write "${one(NAMES)}" to ${one(FILES)}`,
    () => `append "x" to ${one(FILES)}`,
    () => `delete ${one(FILES)}`,
    () => `show ${one(FILES)}`,
    () => `run \`node --version\``,
    () => `run the tests with \`node --test\``,
    () => `redeploy ${one(SERVICES)} once the tests pass with \`npm test\``,
    () => `make the ${one(NAMES)} nicer`,
    () => `fix the bug in ${one(FILES)}`,
    () => `do not touch ${one(SERVICES)}`,
    () => `is ${one(SERVICES)} up?`,
    () => `Build a booking platform with ${one(NAMES)}, ${one(NAMES)} and an admin page`,
    () => `refactor the ${one(NAMES)} module`,
    () => `if ${one(SERVICES)} is down, restart it`,
  ]
  return Array.from({ length: count }, () => {
    let goal = one(clauses)()
    for (let left = draw(5); left > 0; left--) goal += one(JOINTS) + one(clauses)()
    const complexity = one([undefined, undefined, 'simple', 'medium', 'complex'] as const)
    const criteria = CRITERIA.filter(() => draw(4) === 0)
    return { goal, complexity, ...(criteria.length === 0 ? {} : { acceptance_criteria: criteria }) }
  })
}
