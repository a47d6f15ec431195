/** The parts of the hybrid agent, in the order they open. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { ConfigError } from '@deed/config/config-error'
import { connectBus } from '@deed/mesh/bus'
import { busAddress } from '@deed/mesh/connection'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import * as proto from '@deed/proto/agent'
import { examineAgent as examineAgentContract } from '@deed/proto/doctor'
import { DeedError } from '@deed/proto/errors'
import {
  embedTexts as embedTextsContract,
  estimateModels as estimateModelsContract,
  listModelCalls as listModelCallsContract,
  listModels as listModelsContract,
  modelStats as modelStatsContract,
} from '@deed/proto/model'
import * as rulesProto from '@deed/proto/rules'
import { openDatabase } from '@deed/store/database'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger, type Log } from '@deed/telemetry/logger'
import { openLeases, type Worker } from '@deed/worker/leases'
import type { Config } from './config.ts'
import { gatherContext } from './context/gather-context.ts'
import { embedTexts } from './handlers/embed-texts.ts'
import { estimateModels } from './handlers/estimate-models.ts'
import { examineAgent } from './handlers/examine-agent.ts'
import { explainTask } from './handlers/explain-task.ts'
import { exportLearned, forgetLearned, learnSentence, listLearned, unlearnSentence } from './handlers/learned.ts'
import { listModels } from './handlers/list-models.ts'
import { listModelCalls, modelStats } from './handlers/model-calls.ts'
import { processTask } from './handlers/process-task.ts'
import { listRules, testRules } from './handlers/rules.ts'
import { solveTask } from './handlers/solve-task.ts'
import { openSentences } from './learning/tenant-sentences.ts'
import { circuitBreaker } from './models/circuit-breaker.ts'
import { embedder } from './models/embedder.ts'
import { offeredModels } from './models/offered-models.ts'
import { openRules, type RulesInForce } from './packs/rules-in-force.ts'
import { RulePackError } from './rules/pack-fault.ts'
import { readRunbooks } from './rules/runbooks.ts'
import { migrations } from './store/migrations.ts'
import { keepPruning } from './store/prune-model-calls.ts'

/** Concurrent tasks: one local model serves few requests at a time. */
const SLOTS = 2
const POOL_MAX = 3

/**
 * Starts the hybrid agent. Disposing it drains: open rule requests are answered, model calls are aborted, then it
 * disconnects.
 */
export async function startHybridAgent(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('hybrid-agent')
  const metrics = opened.use(await serveMetrics('hybrid-agent', log, config))
  const { execution: world } = config
  const rules = opened.use(rulesOf(config, log))

  const store = opened.use(
    await openDatabase({
      url: config.DATABASE_URL,
      ownerUrl: config.DATABASE_OWNER_URL,
      schema: 'hybrid_agent',
      migrations,
      poolMax: POOL_MAX,
      log,
    }),
  )
  const bus = opened.use(await connectBus({ service: 'hybrid-agent', ...busAddress(config), log }))
  metrics.readyIf({ nats: natsProbe(bus), ...storeProbes(store, migrations) })
  serveLogLevel(bus, 'hybrid-agent')
  const sentences = opened.use(openSentences(store, log))
  bus.serve(proto.processTask, processTask({ rules, sentences, world }))
  bus.serve(proto.explainTask, explainTask({ rules, sentences }))
  bus.serve(rulesProto.learnSentence, learnSentence({ store, rules, sentences, log }))
  bus.serve(rulesProto.unlearnSentence, unlearnSentence({ rules, sentences, log }))
  bus.serve(rulesProto.listRules, listRules({ rules }))
  bus.serve(rulesProto.testRules, testRules({ rules }))
  bus.serve(rulesProto.listLearned, listLearned({ rules, sentences }))
  bus.serve(rulesProto.forgetLearned, forgetLearned({ sentences }))
  bus.serve(rulesProto.exportLearned, exportLearned({ rules, sentences }))

  bus.serve(modelStatsContract, modelStats({ store, budget: world.models.budget_usd_per_day }))
  bus.serve(listModelCallsContract, listModelCalls({ store }))

  const workerId = `hybrid-agent-${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`.slice(-128)
  const worker: Worker = { bus, log, service: 'hybrid-agent', capability: 'solve', workerId, slots: SLOTS }
  const leases = opened.use(await openLeases(worker))
  const offered = offeredModels(world.models, config.apiKeys)
  const breaker = circuitBreaker()
  bus.serve(listModelsContract, listModels({ store, offered, breaker, models: world.models }))
  bus.serve(estimateModelsContract, estimateModels({ store, offered, world, models: world.models }))
  bus.serve(embedTextsContract, embedTexts({ embedder: embedder(world.models) }))
  opened.use(keepPruning(store, world.retention.model_calls_days, log))
  bus.serve(examineAgentContract, examineAgent({ offered, rules }))
  const handler = solveTask({
    worker,
    leases,
    store,
    offered,
    breaker,
    world,
    models: world.models,
    log,
    gather: (work, options) => gatherContext(work, { bus, ...options }),
    suggest: (task) => suggestionsIn(rules.current.understand(task)),
  })
  opened.use(await bus.consumeWork(proto.workSolve, handler, { slots: SLOTS }))
  // Closed first: the consumer waits for what is given up here.
  opened.defer(async () => {
    await leases.drain()
    leases.stopAll(new DeedError('unavailable', 'this worker is shutting down'))
  })
  log.info({ rules: rules.current.rules.size, workerId }, 'rules loaded')

  return opened.move()
}

const suggestionsIn = (reply: proto.AgentReply): readonly string[] =>
  reply.outcome === 'declined' ? (reply.suggestions ?? []) : []

/** A pack whose own tests fail is never loaded. */
function rulesOf({ RULES_DIR: folder, execution: world }: Config, log: Log): RulesInForce {
  try {
    return openRules({ folder, world, runbooks: readRunbooks(world), log })
  } catch (error) {
    if (error instanceof RulePackError) throw new ConfigError(error.message, { cause: error })
    throw error
  }
}
