import { counted } from '@deed/config/counted'
import type { Handler } from '@deed/mesh/bus'
import type { Check, examineAgent as contract } from '@deed/proto/doctor'
import type { OfferedModels } from '../models/offered-models.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'
import { faultLine } from '../rules/pack-fault.ts'

interface Dependencies {
  offered: Pick<OfferedModels, 'list'>
  rules: RulesInForce
}

const LIST_MS_MAX = 5_000
const ADVICE =
  'start Ollama, set OLLAMA_HOST to its address and pull a model; or set the key and the price of an API model'

export function examineAgent({ offered, rules }: Dependencies): Handler<typeof contract> {
  return async () => ({ checks: [ownRules(rules), await usableModels(offered)] })
}

const MESSAGE_CHARS_MAX = 4_096

function ownRules({ current, faults }: RulesInForce): Check {
  const name = 'rules'
  const packs = `${counted(current.rules.size, 'rule')} of ${counted(current.packs.length, 'pack')}, ${current.own.size} of them from RULES_DIR`
  if (faults.length === 0) return { name, status: 'ok', message: packs }
  const message = `a change in RULES_DIR is not used: ${faults.map(faultLine).join('; ')}`
  const advice = 'correct the file; it is read again at once. Until then the earlier rules stay in force'
  return { name, status: 'problem', message: message.slice(0, MESSAGE_CHARS_MAX), advice }
}

async function usableModels(offered: Dependencies['offered']): Promise<Check> {
  const name = 'models'
  const { models, troubles } = await offered.list(AbortSignal.timeout(LIST_MS_MAX))
  const names = models.map((model) => model.name).join(', ')
  const found = names === '' ? 'no model may be asked, so only rules solve tasks' : `models may be asked: ${names}`
  const message = [found, ...troubles].join('; ').slice(0, MESSAGE_CHARS_MAX)
  if (names !== '' && troubles.length === 0) return { name, status: 'ok', message }
  return { name, status: 'warning', message, advice: ADVICE }
}
