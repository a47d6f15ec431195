// The kinds that configuration and the documentation know by name are those that there are.
import { readFileSync } from 'node:fs'
import { DECISION_TASK } from '@deed/proto/decision-task'
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
  expect(new Map(named)).toEqual(new Map([...withTarget, [DECISION_TASK, false], [HUMAN_TASK, false]]))
})

it('every kind has a paragraph on what its evidence proves and what it does not', () => {
  const text = readFileSync(new URL('../../../../docs/failure-semantics.md', import.meta.url), 'utf8')
  const [, section = ''] = text.split('\n## What an evidence proves, and what it does not\n')
  const headings = section.split('\n## ')[0]!.match(/^### .*$/gm) ?? []
  const documented = headings.flatMap((heading) => heading.match(/[a-z]+\.[a-z]+/g) ?? [])
  expect(documented.sort()).toEqual(Object.keys(NAMED).sort())
})
