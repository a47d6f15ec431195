// An effect that was made twice is found in what the ledger has of the attempt before.
import type { ActionId, FencingToken } from '@deed/proto/ids'
import { testDatabase } from '@deed/store/test-database'
import { expect, it } from 'vitest'
import { thisProcess } from '../processes/this-process.ts'
import { openLedger } from './ledger.ts'
import { migrations } from './migrations.ts'

const ACTION = '01a22b01-a4a7-7edb-9f24-60ad0d510001' as ActionId

it.each([
  ['made it and saw it', [['do', 'done', 'made']], true],
  ['may have made it', [['do', null, null]], false],
  ['made it without seeing it', [['do', 'failed', 'made']], false],
  ['found that it was so already', [['do', 'done', 'none']], false],
  [
    'undid what an earlier one had made',
    [
      ['do', 'done', 'made'],
      ['undo', 'done', 'made'],
    ],
    false,
  ],
] as const)('an attempt after one that %s', async (_, attempts, made) => {
  await using store = await testDatabase('executor', migrations)
  for (const [index, [intent, outcome, effect]] of attempts.entries())
    await store.query(
      'test.attempt',
      `insert into attempts (tenant, action_id, token, intent, worker_id, host, pid, intent_at, outcome, effect)
       values ('local', $1, $2, $3, 'one', 'here', 1, now(), $4, $5)`,
      [ACTION, index + 1, intent, outcome, effect],
    )
  const ledger = openLedger(store, thisProcess())
  const next = (attempts.length + 1) as FencingToken
  expect(await ledger.wasMade('local', ACTION, next)).toBe(made)
  expect(await ledger.wasMade('local', ACTION, 1 as FencingToken)).toBe(false)
})
