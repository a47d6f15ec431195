import { basename } from 'node:path'
import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { listRules as list, testRules as test } from '@deed/proto/rules'
import { describeRules } from '../packs/describe-rules.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'
import { testPacks } from '../packs/test-packs.ts'
import { RulePackError } from '../rules/pack-fault.ts'

interface Dependencies {
  rules: RulesInForce
}

export function listRules({ rules }: Dependencies): Handler<typeof list> {
  return async ({ rule }) => {
    const packs = describeRules(rules.current, rule)
    if (rule !== undefined && packs.length === 0) {
      throw new DeedError('not_found', `there is no rule ${rule}; deed rules lists them`, { path: '$.rule' })
    }
    return { packs, faults: rules.faults.map(({ file, ...fault }) => ({ file: basename(file), ...fault })) }
  }
}

export function testRules({ rules }: Dependencies): Handler<typeof test> {
  return async ({ files }) => {
    try {
      return testPacks(files ?? rules.ownFiles(), rules.current.packs)
    } catch (error) {
      if (!(error instanceof RulePackError)) throw error
      return { files: [], faults: [...error.faults], collisions: [] }
    }
  }
}
