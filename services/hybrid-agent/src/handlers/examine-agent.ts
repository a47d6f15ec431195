import { counted } from '@deed/config/counted'
import type { Handler } from '@deed/mesh/bus'
import type { Check, examineAgent as contract } from '@deed/proto/doctor'
import type { ModelServer } from '../models/ollama.ts'
import type { RulesInForce } from '../packs/rules-in-force.ts'
import { faultLine } from '../rules/pack-fault.ts'

interface Dependencies {
  server: ModelServer
  /** Whether execution.yaml or the environment names a model server. */
  named: boolean
  rules: RulesInForce
}

const LIST_MS_MAX = 5_000

export function examineAgent({ server, named, rules }: Dependencies): Handler<typeof contract> {
  return async () => ({ checks: [ownRules(rules), await modelServer(server, named)] })
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

async function modelServer(server: ModelServer, named: boolean): Promise<Check> {
  const name = 'models'
  try {
    const models = await server.list(AbortSignal.timeout(LIST_MS_MAX))
    const names = models.map((model) => model.name).join(', ')
    if (models.length > 0) return { name, status: 'ok', message: `the model server answers and has ${names}` }
    return {
      name,
      status: 'warning',
      message: 'the model server has no model',
      advice: 'pull one, as in `ollama pull`',
    }
  } catch {
    const message = named ? 'the model server does not answer' : 'no model server answers: only rules solve tasks'
    return { name, status: 'warning', message, advice: 'start Ollama, and set OLLAMA_HOST to its address' }
  }
}
