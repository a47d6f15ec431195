// The kinds that configuration knows by name are those that there are.
import { KINDS as NAMED } from '@deed/config/kinds'
import { HUMAN_TASK } from '@deed/proto/person'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { KINDS } from './kinds.ts'

it('every kind is known to execution.yaml, with types of target just where its input names one', () => {
  const withTarget = [...KINDS.values()].map((kind): [string, boolean] => {
    const { properties = {} } = z.toJSONSchema(kind.input, { io: 'input', unrepresentable: 'any' })
    return [kind.name, 'target' in properties]
  })
  const named = Object.entries(NAMED).map(([name, types]): [string, boolean] => [name, types.length > 0])
  expect(new Map(named)).toEqual(new Map([...withTarget, [HUMAN_TASK, false]]))
})
