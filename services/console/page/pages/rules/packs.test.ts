import { listRules } from '@deed/proto/rules'
import { expect, it } from 'vitest'
import { packsWith } from './packs.ts'

const rule = (id: string, does: string, ...examples: string[]): object => ({ id, does, effect: 'change', examples })
const { packs } = listRules.output.parse({
  packs: [
    {
      pack: 'services',
      version: 1,
      description: 'services',
      file: 'services.yaml',
      own: false,
      rules: [
        rule('services/restart', 'restart {service}', 'restart demo-api'),
        rule('services/stop', 'stop {service}'),
      ],
    },
    { pack: 'files', version: 1, description: 'files', file: 'f.yaml', own: true, rules: [rule('files/read', 'read')] },
  ],
  faults: [],
})

it('a rule is found by words of what it does, of its id and of its sentences, in any order', () => {
  const idsOf = (text: string): string[] => packsWith(packs, text).flatMap(({ rules }) => rules.map(({ id }) => id))
  expect(idsOf('DEMO-API restart')).toEqual(['services/restart'])
  expect(idsOf('services/')).toEqual(['services/restart', 'services/stop'])
  expect(idsOf('nothing')).toEqual([])
})

it('without words all packs are there, and a pack without such a rule is left out', () => {
  expect(packsWith(packs, undefined)).toBe(packs)
  expect(packsWith(packs, ' read ').map(({ pack }) => pack)).toEqual(['files'])
})
