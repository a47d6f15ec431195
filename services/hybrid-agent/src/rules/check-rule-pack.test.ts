import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { checkRulePack } from './check-rule-pack.ts'
import { readRulePacks } from './rule-pack.ts'

const packs = readRulePacks([fileURLToPath(new URL('../../rules', import.meta.url))])

describe.each(packs.map((pack) => [pack.name, pack] as const))('the built-in rule pack %s', (_, pack) => {
  it('passes its tests alone', () => {
    expect(checkRulePack(pack)).toEqual([])
  })

  it('passes its tests together with the other packs', () => {
    expect(checkRulePack(pack, packs)).toEqual([])
  })
})
