/** The executor's parts, in the order they open. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { connectBus } from '@deed/mesh/bus'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { serveMetrics } from '@deed/process/serve-metrics'
import {
  checkInputs as checkInputsContract,
  forgetActions as forgetActionsContract,
  inspectAction as inspectActionContract,
  inspectUndo as inspectUndoContract,
  listKinds as listKindsContract,
  resolveNames as resolveNamesContract,
} from '@deed/proto/action'
import { analyzeCodebase as analyzeCodebaseContract, searchCode as searchCodeContract } from '@deed/proto/code'
import { examineExecutor as examineExecutorContract } from '@deed/proto/doctor'
import { openDatabase } from '@deed/store/database'
import { storeProbes } from '@deed/store/store-probes'
import { createLogger } from '@deed/telemetry/logger'
import { openAnalyst } from './analysis/analyst.ts'
import { ignoredReader } from './analysis/ignored-by-git.ts'
import { openMeanings } from './analysis/meanings.ts'
import { historyReader } from './analysis/read-history.ts'
import { placesForEffects } from './attempt/places.ts'
import { startWorker } from './attempt/worker.ts'
import type { Config } from './config.ts'
import { analyzeCodebase } from './handlers/analyze-codebase.ts'
import { checkInputs } from './handlers/check-inputs.ts'
import { examineExecutor } from './handlers/examine-executor.ts'
import { forgetActions } from './handlers/forget-actions.ts'
import { inspectAction } from './handlers/inspect-action.ts'
import { inspectUndo } from './handlers/inspect-undo.ts'
import { listKinds } from './handlers/list-kinds.ts'
import { resolveNames } from './handlers/resolve-names.ts'
import { searchCode } from './handlers/search-code.ts'
import type { World } from './kind/kind.ts'
import { registerSecrets } from './kind/secrets.ts'
import { holderLives, thisProcess } from './processes/this-process.ts'
import { chooseSandbox } from './sandbox/choose-sandbox.ts'
import { openDatabases } from './sql/databases.ts'
import { openLedger } from './store/ledger.ts'
import { migrations } from './store/migrations.ts'
import { keepSweeping } from './store/sweep-snapshots.ts'
import { blobsIn } from './workspace/blobs.ts'

/** Starts the executor. Disposing it drains: no new work, finish and report what runs, then disconnect. */
export async function startExecutor(config: Config): Promise<AsyncDisposable> {
  // Closed in reverse order: here if start-up fails half-way, else by the caller.
  await using opened = new AsyncDisposableStack()
  const log = createLogger('executor')
  const metrics = opened.use(await serveMetrics('executor', log, config.metrics))
  const { workers, verification } = config.execution
  registerSecrets(config.execution, config.env)
  mkdirSync(config.dataFolder, { recursive: true, mode: 0o700 })

  const store = opened.use(await openDatabase({ ...config.database, schema: 'executor', migrations, log }))
  const bus = opened.use(await connectBus({ service: 'executor', ...config.bus, log }))
  metrics.readyIf({ nats: natsProbe(bus), ...storeProbes(store, migrations) })
  serveLogLevel(bus, 'executor')
  const protectedFiles = config.configFile === undefined ? [] : [config.configFile]
  const { sandbox, missing } = await chooseSandbox({
    mode: config.execution.commands.sandbox,
    dataFolder: config.dataFolder,
    protectedFiles,
    confine: config.confine,
  })
  // Nobody is to believe in a sandbox that is not there.
  log[sandbox.confines ? 'info' : 'warn'](
    { sandbox: sandbox.name, missing },
    sandbox.confines ? 'commands are confined' : 'commands are not confined: each needs one more level of approval',
  )
  const world: World = {
    config: config.execution,
    env: config.env,
    dataFolder: config.dataFolder,
    protectedFiles,
    blobs: blobsIn(join(config.dataFolder, 'snapshots')),
    sandbox,
    databases: opened.use(openDatabases(config.execution, config.env)),
    mesh: bus,
  }
  const undoMs = config.execution.retention.undo_days * 86_400_000
  opened.use(keepSweeping({ store, folder: join(config.dataFolder, 'snapshots'), undoMs }, log))
  const self = thisProcess()
  bus.serve(resolveNamesContract, resolveNames({ world }))
  bus.serve(examineExecutorContract, examineExecutor({ world, missing }))
  bus.serve(forgetActionsContract, forgetActions({ store }))
  const ledger = openLedger(store, self)
  bus.serve(checkInputsContract, checkInputs())
  bus.serve(inspectActionContract, inspectAction({ world, ledger }))
  bus.serve(inspectUndoContract, inspectUndo({ world, ledger }))
  bus.serve(listKindsContract, listKinds({ world }))
  const analyst = opened.use(openAnalyst(world))
  const readIgnored = ignoredReader()
  bus.serve(analyzeCodebaseContract, analyzeCodebase({ world, analyst, readHistory: historyReader(), readIgnored }))
  const meanings = opened.use(openMeanings({ bus, analyst, log }))
  bus.serve(searchCodeContract, searchCode({ world, analyst, meanings, readIgnored }))
  opened.use(
    await startWorker({
      world,
      ledger,
      patience: { attempts: verification.retry_attempts, delayMs: verification.verify_delay_seconds * 1_000 },
      withPlace: placesForEffects(workers.count),
      holderLives: (row) => holderLives(row, self),
      bus,
      log,
      workerId: self.workerId,
      slots: workers.count * workers.max_concurrent_tasks,
    }),
  )
  opened.use(bus.joinReplicas())
  log.info({ workerId: self.workerId }, 'worker takes work')
  return opened.move()
}
