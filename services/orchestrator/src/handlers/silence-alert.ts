import type { Handler } from '@deed/mesh/bus'
import type { silenceAlert as contract } from '@deed/proto/alert'
import { putSilence } from '../store/rule-states.ts'
import type { Database } from '../store/schema.ts'

export function silenceAlert({ db }: { db: Database }): Handler<typeof contract> {
  return async ({ name, until, reason }, { principal, log }) => {
    const silence = { name, until: new Date(until).toISOString(), reason, by: principal.user }
    await putSilence(db, silence)
    log.info(silence, 'alert silenced')
    return silence
  }
}
