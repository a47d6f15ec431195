/**
 * npm start: the mesh with a demo. It sets up real parts, has tasks done on them, and observes the world itself to see
 * whether each ended as it should.
 */

import { join, resolve } from 'node:path'
import { counted } from '@deed/config/counted'
import { dropClientVariables } from '@deed/local/client-environment'
import { runningMesh } from '@deed/local/connection-file'
import { startMesh } from '@deed/local/local-mesh'
import { readThinkers } from '@deed/local/thinkers'
import { connectBus } from '@deed/mesh/bus'
import { createLogger } from '@deed/telemetry/logger'
import { Command } from 'commander'
import { linkTo } from './connect/console-link.ts'
import { natsUrlOf } from './connect/nats-url.ts'
import { noteRoot } from './connect/note-root.ts'
import { DATA_FOLDER, RELEASE } from './connect/project.ts'
import { createDemoDatabase, type DemoDatabase } from './demo/demo-database.ts'
import { readDemoPlan } from './demo/demo-plan.ts'
import { startAndKill } from './demo/demo-service.ts'
import { openDemoWorld } from './demo/demo-world.ts'
import { performTask, type Stage } from './demo/perform-task.ts'
import { performedDocument, performedText } from './demo/performed-text.ts'
import { consoleText } from './show/console.ts'
import { duration } from './terminal/amounts.ts'
import { EXIT, exitCodeOf, UsageError } from './terminal/exit-code.ts'
import { type Interruption, listenForInterruption } from './terminal/interruption.ts'
import { endWithReader, type Output, openOutput } from './terminal/output.ts'
import { plainText } from './terminal/plain-text.ts'

interface Options {
  exit?: boolean
  json?: boolean
  dataDir?: string
}

dropClientVariables()

/** Since the process was started, in milliseconds. */
const elapsed = (): number => performance.now()

const options = new Command('npm start --')
  .description('Start the mesh and let it do a few tasks on real parts; then it stays up until Ctrl+C.')
  .option('--exit', 'end after the tasks; exit code 0 only if each ended as it should')
  .option('--json', 'one line of JSON for each task')
  .option('--data-dir <folder>', 'default: $DEED_DATA_DIR, else .deed in the project')
  .parse()
  .opts<Options>()
endWithReader()
const out = openOutput(options.json === true, process.env)

try {
  process.exitCode = await start(out, options, listenForInterruption())
} catch (error) {
  out.note(out.paint('red', plainText(error instanceof Error ? error.message : String(error))))
  process.exitCode = exitCodeOf(error)
}
// Whatever still holds the process has nothing left to do.
process.exit()

async function start(
  out: Output,
  { exit = false, dataDir: given }: Options,
  interruption: Interruption,
): Promise<number> {
  const dataDir = resolve(given ?? (process.env.DEED_DATA_DIR || join(RELEASE, DATA_FOLDER)))
  const running = runningMesh(dataDir)
  if (running) {
    throw new UsageError(
      `a mesh runs on ${dataDir} already, as process ${running.process.pid}; \`npm run deed -- down\` stops it`,
    )
  }
  const plan = readDemoPlan()
  // Closed in reverse order: the services that the executor started end after it.
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await openDemoWorld(dataDir, plan))
  let database: DemoDatabase | undefined
  const [mesh] = await Promise.all([
    startMesh({
      dataDir,
      config: world.configFile,
      natsUrl: natsUrlOf(process.env),
      databaseUrl: process.env.DATABASE_URL || undefined,
      thinkers: readThinkers(process.env),
      progress: (step) => out.note(out.paint('dim', step)),
      async prepare(adminUrl) {
        database = await createDemoDatabase(adminUrl)
        const names = Object.values(world.config.targets).flatMap((target) =>
          target.type === 'sql' ? [target.url_env] : [],
        )
        return { executor: Object.fromEntries(names.map((name) => [name, database?.url ?? ''])) }
      },
    }).then((started) => opened.use(started)),
    ...plan.killed.map(async (name) => {
      const service = world.services.get(name)
      if (!service) throw new Error(`the demo has no service ${name}`)
      const pid = await startAndKill(service, world.config)
      out.note(out.paint('dim', `${name} was started as process ${pid}, and killed`))
    }),
  ])
  if (!database) throw new Error('there is no database for the demo')
  const { connection } = mesh
  const log = createLogger('demo', 2)
  log.level = process.env.LOG_LEVEL || 'silent'
  const bus = opened.use(
    await connectBus({
      service: connection.nats_user ?? 'deed',
      url: connection.nats_url,
      user: connection.nats_user,
      password: connection.nats_password,
      serverName: connection.nats_server_name,
      log,
    }),
  )
  noteRoot(out)
  const link = await linkTo(bus, mesh.services)
  if (link) out.note(consoleText(link, out))
  out.note(out.paint('dim', `${counted(mesh.services.length, 'service')} ready after ${duration(elapsed())}`))

  const failed = await perform(out, { bus, world, database }, plan.tasks, interruption)
  if (interruption.happened) {
    out.note('draining')
    return EXIT.failed
  }
  out.print(
    failed.length === 0
      ? `\nAll ${plan.tasks.length} tasks ended as they should.`
      : `\n${failed.length} of ${plan.tasks.length} tasks did not end as they should: ${failed.join(', ')}.`,
  )
  if (!exit) {
    out.print(
      `\nThe mesh stays up; Ctrl+C stops it. In another terminal:\n  npm run deed -- info\n  npm run deed -- run "Is demo-api running?"`,
    )
    await interruption.received
    out.note('draining')
  }
  return failed.length === 0 ? EXIT.success : EXIT.failed
}

/** @returns the numbers of the tasks that did not end as they should */
async function perform(
  out: Output,
  stage: Stage,
  tasks: ReturnType<typeof readDemoPlan>['tasks'],
  interruption: Interruption,
): Promise<number[]> {
  const failed: number[] = []
  for (const [index, task] of tasks.entries()) {
    if (interruption.happened) break
    const number = index + 1
    try {
      const performed = await performTask(stage, task)
      if (index === 0 && performed.wrong.length === 0) {
        out.note(out.paint('dim', `the first verified reply came ${duration(elapsed())} after the start`))
      }
      out.print(`\n${performedText(number, task, performed, out.paint)}`)
      out.document(performedDocument(number, task, performed))
      if (performed.wrong.length > 0) failed.push(number)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      out.print(`\n${number}  ${task.task}\n   ${out.paint('red', plainText(message))}`)
      out.document({ number, task: task.task, as_expected: false, wrong: [message] })
      failed.push(number)
    }
  }
  return failed
}
