import type { Handler } from '@deed/mesh/bus'
import type { Check, examineAgent as contract } from '@deed/proto/doctor'
import type { ModelServer } from '../models/ollama.ts'

interface Dependencies {
  server: ModelServer
  /** Whether execution.yaml or the environment names a model server. */
  named: boolean
}

const LIST_MS_MAX = 5_000

export function examineAgent({ server, named }: Dependencies): Handler<typeof contract> {
  return async () => ({ checks: [await modelServer(server, named)] })
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
