/** The parts of the template optimizer, in the order they open. */
import { fileURLToPath } from 'node:url'
import { ConfigError } from '@deed/config/config-error'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import { DeedError } from '@deed/proto/errors'
import * as proto from '@deed/proto/template'
import { batched } from '@deed/store/batched'
import { openDatabase } from '@deed/store/database'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger } from '@deed/telemetry/logger'
import { openLearnedScores } from './choosing/learned-scores.ts'
import type { Config } from './config.ts'
import { analyzeTemplates } from './handlers/analyze-templates.ts'
import { getTemplate } from './handlers/get-template.ts'
import { listTemplates } from './handlers/list-templates.ts'
import { recordTemplate } from './handlers/record-template.ts'
import { selectTemplate } from './handlers/select-template.ts'
import { templateHistory } from './handlers/template-history.ts'
import { migrations } from './store/migrations.ts'
import { keepPruning } from './store/prune-outcomes.ts'
import { recordUses, type ScoreRow, type TemplateUse } from './store/template-outcomes.ts'
import { keepTemplates } from './store/templates.ts'
import { loadCatalogue } from './templates/catalogue.ts'
import { openTemplates } from './templates/in-force.ts'

const SHIPPED = fileURLToPath(new URL('../templates', import.meta.url))
const POOL_MAX = 3

/** Starts the template optimizer. Disposing it drains: running requests are answered, then it disconnects. */
export async function startTemplateOptimizer(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('template-optimizer')
  const metrics = opened.use(await serveMetrics('template-optimizer', log, config))

  // An invalid template is reported before the database is needed.
  await checkTemplates(config)
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
  const inForce = opened.use(
    await openTemplates({
      shipped: SHIPPED,
      own: config.TEMPLATES_DIR,
      log,
      keep: async ({ templates }) => {
        for (const id of await keepTemplates(store, templates)) {
          log.warn({ templateId: id }, 'a template was changed without a new version; raise its version')
        }
      },
    }),
  )
  const { catalogue } = inForce
  const scores = await openLearnedScores(store, log)
  opened.use(keepPruning(store, log))
  const recordUse = batched<TemplateUse, ScoreRow>((uses) => recordUses(store, log, uses))

  const bus = opened.use(await connectBus({ service: 'template-optimizer', ...busAddress(config), log }))
  metrics.readyIf({ nats: natsProbe(bus), ...storeProbes(store, migrations) })
  serveLogLevel(bus, 'template-optimizer')
  bus.serve(proto.selectTemplate, selectTemplate({ catalogue, scores }))
  bus.serve(proto.getTemplate, getTemplate({ catalogue, store }))
  bus.serve(proto.recordTemplate, recordTemplate({ catalogue, scores, recordUse }))
  bus.serve(proto.listTemplates, listTemplates({ inForce, scores }))
  bus.serve(proto.analyzeTemplates, analyzeTemplates({ catalogue, scores, store }))
  bus.serve(proto.templateHistory, templateHistory({ store }))
  log.info({ templates: catalogue.templates.length }, 'templates loaded')

  return opened.move()
}

async function checkTemplates({ TEMPLATES_DIR: own }: Config): Promise<void> {
  try {
    await loadCatalogue(own === undefined ? [SHIPPED] : [SHIPPED, own])
  } catch (error) {
    if (error instanceof DeedError) throw new ConfigError(error.message, { cause: error })
    if (own !== undefined && error instanceof Error && 'code' in error) {
      throw new ConfigError(`TEMPLATES_DIR: ${error.message}`, { cause: error })
    }
    throw error
  }
}
