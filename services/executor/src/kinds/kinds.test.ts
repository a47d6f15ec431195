// The kinds that configuration knows by name are those that there are.
import { KINDS as NAMED } from '@deed/proto/kinds'
import { HUMAN_TASK } from '@deed/proto/person'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { KINDS } from './kinds.ts'

it('every kind has types of target in the table of kinds just where its input names one', () => {
  const withTarget = [...KINDS.values()].map((kind): [string, boolean] => {
    const { properties = {} } = z.toJSONSchema(kind.input, { io: 'input', unrepresentable: 'any' })
    return [kind.name, 'target' in properties]
  })
  const named = Object.entries(NAMED).map(([name, { targets }]): [string, boolean] => [name, targets !== undefined])
  expect(new Map(named)).toEqual(new Map([...withTarget, [HUMAN_TASK, false]]))
})
