/** The parts of the template optimizer, in the order they open. */
import { fileURLToPath } from 'node:url'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { ConfigurationError } from '@deed/process/configuration-error'
import { DeedError } from '@deed/proto/errors'
import * as proto from '@deed/proto/template'
import { batched } from '@deed/store/batched'
import { openDatabase } from '@deed/store/database'
import { createLogger } from '@deed/telemetry/logger'
import { openLearnedScores } from './choosing/learned-scores.ts'
import type { Config } from './config.ts'
import { getTemplate } from './handlers/get-template.ts'
import { listTemplates } from './handlers/list-templates.ts'
import { recordTemplate } from './handlers/record-template.ts'
import { selectTemplate } from './handlers/select-template.ts'
import { migrations } from './store/migrations.ts'
import { keepPruning } from './store/prune-outcomes.ts'
import { recordUses, type ScoreRow, type TemplateUse } from './store/template-outcomes.ts'
import { keepTemplates } from './store/templates.ts'
import { type Catalogue, loadCatalogue } from './templates/catalogue.ts'

const SHIPPED = fileURLToPath(new URL('../templates', import.meta.url))
const POOL_MAX = 3

/** Starts the template optimizer. Disposing it drains: running requests are answered, then it disconnects. */
export async function startTemplateOptimizer(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('template-optimizer')

  const catalogue = await readCatalogue(config)
  const store = opened.use(
    await openDatabase({
      url: config.DATABASE_URL,
      ownerUrl: config.DATABASE_OWNER_URL,
      schema: 'template_optimizer',
      migrations,
      poolMax: POOL_MAX,
      log,
    }),
  )
  for (const id of await keepTemplates(store, catalogue.templates)) {
    log.warn({ templateId: id }, 'a template was changed without a new version; raise its version')
  }
  const scores = await openLearnedScores(store, log)
  opened.use(keepPruning(store, log))
  const recordUse = batched<TemplateUse, ScoreRow>((uses) => recordUses(store, log, uses))

  const bus = opened.use(await connectBus({ service: 'template-optimizer', ...busAddress(config), log }))
  bus.serve(proto.selectTemplate, selectTemplate({ catalogue, scores }))
  bus.serve(proto.getTemplate, getTemplate({ catalogue, store }))
  bus.serve(proto.recordTemplate, recordTemplate({ catalogue, scores, recordUse }))
  bus.serve(proto.listTemplates, listTemplates({ catalogue, scores }))
  log.info({ templates: catalogue.templates.length }, 'templates loaded')

  return opened.move()
}

async function readCatalogue({ TEMPLATES_DIR: own }: Config): Promise<Catalogue> {
  try {
    return await loadCatalogue(own === undefined ? [SHIPPED] : [SHIPPED, own])
  } catch (error) {
    if (error instanceof DeedError) throw new ConfigurationError(error.message, { cause: error })
    if (own !== undefined && error instanceof Error && 'code' in error) {
      throw new ConfigurationError(`TEMPLATES_DIR: ${error.message}`, { cause: error })
    }
    throw error
  }
}
