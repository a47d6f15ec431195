/**
 * The release after this one, made of a copy of this source: what services say to one another has a field more, and the
 * orchestrator has a migration more, which takes its time while it keeps two tables to itself.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'

const SOURCE = resolve(import.meta.dirname, '../../../..')
const PARTS = ['proto', 'libs', 'services']
const LINKED = join('node_modules', '@deed')

/** The field that only the next release knows, in every message that stays inside the mesh. */
export const NEXT_FIELD = 'next_release'
export const NEXT_MIGRATION = '900-next-release'
/** Shorter than the 5 s that a statement waits for a lock. */
const MIGRATION_SECONDS = 3

/** @returns why no other release can be made here */
export function needsSource(): string | undefined {
  const missing = [...PARTS, LINKED, ...CHANGES.map(([file]) => file)].find((part) => !existsSync(join(SOURCE, part)))
  if (missing !== undefined) return `the source is not here to make another release of: ${missing} is missing`
  const linked = readdirSync(join(SOURCE, LINKED)).every((name) =>
    lstatSync(join(SOURCE, LINKED, name)).isSymbolicLink(),
  )
  return linked ? undefined : 'the packages are installed as copies, and no other release can be made of them'
}

/**
 * @param folder in which it is put; removing it removes all of it
 * @returns its root, which holds `services`
 * @throws where the source has changed so that the changes no longer fit
 */
export function makeNextRelease(folder: string): string {
  const root = join(folder, 'next-release')
  for (const part of PARTS) {
    const filter = (path: string): boolean => basename(path) !== 'node_modules' && !path.endsWith('.test.ts')
    cpSync(join(SOURCE, part), join(root, part), { recursive: true, filter })
  }
  mkdirSync(join(root, LINKED), { recursive: true })
  for (const name of readdirSync(join(SOURCE, LINKED)))
    symlinkSync(readlinkSync(join(SOURCE, LINKED, name)), join(root, LINKED, name))
  for (const name of readdirSync(join(SOURCE, 'node_modules'))) {
    if (name.startsWith('.') || name === '@deed') continue
    symlinkSync(join(SOURCE, 'node_modules', name), join(root, 'node_modules', name))
  }
  writeFileSync(join(root, MIGRATIONS, `migrations/${NEXT_MIGRATION}.ts`), MIGRATION)
  for (const [file, before, after] of CHANGES) change(join(root, file), before, after)
  return root
}

function change(file: string, before: string, after: string): void {
  const text = readFileSync(file, 'utf8')
  if (text.split(before).length !== 2) throw new Error(`${file} does not say once: ${before}`)
  writeFileSync(
    file,
    text.replace(before, () => after),
  )
}

const MIGRATIONS = 'services/orchestrator/src/store'

const MIGRATION = `
import { sql } from 'kysely'

export async function up(db) {
  for (const table of ['executions', 'actual_state'])
    await sql.raw(\`alter table \${table} add column ${NEXT_FIELD} text\`).execute(db)
  await sql.raw('select pg_sleep(${MIGRATION_SECONDS})').execute(db)
}
`

/** What only services say; the doors for people and programs stay as they are. */
const INSIDE = String.raw`/^(worker|cache|agent)\.|^task\.(report|decompose)$|^template\.(select|get|record)$|^action\.(?!kinds)|^work\.|^alerts\./`

/** In which file, what, and what there is instead of it. */
const CHANGES: readonly (readonly [file: string, before: string, after: string])[] = [
  [
    'proto/src/contract.ts',
    `import type { z } from 'zod'`,
    `import { z } from 'zod'

const isInside = ({ subject }) => ${INSIDE}.test(subject)

function wider(contract, schema) {
  if (!isInside(contract) || !(schema instanceof z.ZodObject)) return schema
  return schema.extend({ ${NEXT_FIELD}: z.string().optional() })
}

/** A message as this release says it. */
export const asNext = (contract, message) => (isInside(contract) ? { ...message, ${NEXT_FIELD}: 'yes' } : message)`,
  ],
  [
    'proto/src/contract.ts',
    `  return { type: 'request', ...contract }`,
    `  const { input, output } = contract
  return { type: 'request', ...contract, input: wider(contract, input), output: wider(contract, output) }`,
  ],
  [
    'proto/src/contract.ts',
    `  return { type: 'work', ...contract }`,
    `  return { type: 'work', ...contract, payload: wider(contract, contract.payload) }`,
  ],
  [
    'libs/mesh/src/bus.ts',
    `import { DeedError, type ErrorBody, ErrorCode } from '@deed/proto/errors'`,
    `import { asNext } from '@deed/proto/contract'
import { DeedError, type ErrorBody, ErrorCode } from '@deed/proto/errors'`,
  ],
  [
    'libs/mesh/src/call.ts',
    `import { DeedError, ErrorBody } from '@deed/proto/errors'`,
    `import { asNext } from '@deed/proto/contract'
import { DeedError, ErrorBody } from '@deed/proto/errors'`,
  ],
  ['libs/mesh/src/call.ts', `jsonText(input)`, `jsonText(asNext(contract, input))`],
  ['libs/mesh/src/bus.ts', `jsonText(output)`, `jsonText(asNext(contract, output))`],
  ['libs/mesh/src/bus.ts', `payloads.map(jsonText)`, `payloads.map((payload) => jsonText(asNext(contract, payload)))`],
  [
    'libs/mesh/src/bus.ts',
    `const payload = jsonText(input)\n      const span`,
    `const payload = jsonText(asNext(contract, input))\n      const span`,
  ],
  [
    `${MIGRATIONS}/migrations.ts`,
    `import type { Migration } from 'kysely/migration'`,
    `import type { Migration } from 'kysely/migration'
import * as nextRelease from './migrations/${NEXT_MIGRATION}.ts'`,
  ],
  [
    `${MIGRATIONS}/migrations.ts`,
    `export const migrations: Record<string, Migration> = {`,
    `export const migrations: Record<string, Migration> = {
  '${NEXT_MIGRATION}': nextRelease,`,
  ],
]
