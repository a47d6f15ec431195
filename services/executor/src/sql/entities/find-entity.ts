/** Which entity a noun names: one of execution.yaml, or a label that the rows of one have, such as "Windows workstations". */
import { DeedError } from '@deed/proto/errors'
import type { ClientBase } from 'pg'
import type { SqlTarget } from '../databases.ts'
import { columnsOf } from './complain.ts'
import type { Condition } from './condition.ts'
import { sentenceOf } from './query.ts'
import { valueAt } from './readings.ts'
import { type Entity, readTable, type Table } from './table.ts'
import { search, type Values, valuesOf } from './values.ts'
import { folded } from './words.ts'

export interface Named {
  readonly table: Table
  readonly noun: string
  readonly singular: string
  /** Where the noun is a label. */
  readonly condition?: Condition
}

/** @throws {DeedError} `invalid_request` where none has the noun, or several have */
export async function findEntity(client: ClientBase, noun: string, target: SqlTarget, name: string): Promise<Named> {
  const said = folded(noun).join(' ')
  const all = Object.entries(target.entities).map(([plural, entity]): Entity => ({ ...entity, noun: plural }))
  const known = all.find(({ noun: plural, singular }) =>
    [plural, singular ?? plural].some((text) => folded(text).join(' ') === said),
  )
  if (known) {
    const table = await readTable(client, known, target)
    return { table, noun: known.noun, singular: known.singular ?? known.noun }
  }
  const found: Named[] = []
  const others: string[] = []
  for (const entity of all.filter(({ label_column }) => label_column !== undefined)) {
    const table = await readTable(client, entity, target)
    const { labelColumn } = table
    if (labelColumn?.sort !== 'text') continue
    const values = await valuesOf(client, [labelColumn])
    const condition = labelled(noun, table, values) ?? (await searched(client, noun, table, values))
    if (condition) found.push({ table, noun, singular: noun, condition })
    else others.push(`${entity.noun} (${columnsOf({ table: { ...table, columns: [labelColumn] }, values })})`)
  }
  const [only] = found
  if (only && found.length === 1) return only
  const path = '$.input.noun'
  if (only)
    throw new DeedError(
      'invalid_request',
      `"${noun}" could be ${found.map(({ table }) => table.entity.noun).join(' or ')}; say which`,
      { path },
    )
  const has = others.length > 0 ? others.join(', ') : all.map(({ noun: plural }) => plural).join(', ') || 'no entities'
  throw new DeedError('invalid_request', `nothing in ${name} is called "${noun}"; it has ${has}`, { path })
}

async function searched(client: ClientBase, noun: string, table: Table, values: Map<string, Values>) {
  await search(client, [table.labelColumn!], [noun], values)
  return labelled(noun, table, values)
}

/** All words of the noun are a label, or a part of labels. */
function labelled(noun: string, table: Table, values: ReadonlyMap<string, Values>): Condition | undefined {
  const sentence = sentenceOf(noun, table, values)
  const reading = valueAt(sentence, table.labelColumn!, 0)
  return reading?.end === sentence.words.length ? reading.condition : undefined
}
