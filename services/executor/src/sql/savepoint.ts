/** A part of a transaction that may fail without ending it. */
import type { ClientBase } from 'pg'
import { isTransient, sqlstateOf } from './sqlstates.ts'

/** @returns `undefined` where the database refuses it; what may pass by itself is thrown */
export async function tryWithin<T>(client: ClientBase, work: () => Promise<T>): Promise<T | undefined> {
  await client.query('SAVEPOINT trying')
  try {
    const result = await work()
    await client.query('RELEASE SAVEPOINT trying')
    return result
  } catch (error) {
    if (isTransient(sqlstateOf(error))) throw error
    await client.query('ROLLBACK TO SAVEPOINT trying')
    return undefined
  }
}
