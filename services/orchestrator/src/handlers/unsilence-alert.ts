import type { Handler } from '@deed/mesh/bus'
import type { unsilenceAlert as contract } from '@deed/proto/alert'
import { endSilence } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'

export function unsilenceAlert({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ name }, { principal, log }) => {
    const ended = await endSilence(db, name)
    if (ended) log.info({ name, by: principal.user }, 'silence ended')
    return { ended }
  }
}
