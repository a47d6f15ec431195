/**
 * Draws docs/pictures: a task that is really done, as a real Jaeger has its trace, and as `deed trace`, `deed show` and
 * `deed top` show it. `node test/docs/pictures.ts`; it needs a Jaeger, as `npm run jaeger` does.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { freePort } from '@deed/local/kept-port'
import { until } from '@deed/process/until'
import { buildJaeger, findJaeger, startJaeger } from '../jaeger/start-jaeger.ts'
import { isWhole, Traces } from '../jaeger/traces.ts'
import { deedProject } from './deed-project.ts'
import { session, terminalPicture } from './terminal-picture.ts'
import { tracePicture } from './trace-picture.ts'

const FOLDER = resolve(import.meta.dirname, '../../docs/pictures')
const MADE_BY = 'node test/docs/pictures.ts'
const TASK = 'The test-service is down. Fix it.'
const LINES_MAX = 40
const SERVICE = `import { createServer } from 'node:http'
createServer((_, response) => response.end('ok')).listen(Number(process.env.PORT), '127.0.0.1')
`

await using jaeger = await startJaeger(findJaeger(process.env) ?? buildJaeger(), {
  query: await freePort(),
  otlp: await freePort(),
})
using project = deedProject()
const port = await freePort()
writeFileSync(join(project.folder, 'service.mjs'), SERVICE)
project.run('deed init')
appendFileSync(
  join(project.folder, 'execution.yaml'),
  `
targets:
  test-service:
    type: process
    command: [node, service.mjs]
    cwd: .
    env: { PORT: "${port}" }
    environment: test
    health: { url: "http://127.0.0.1:${port}/" }
`,
)
const env = { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.collectorUrl, OTEL_BSP_SCHEDULE_DELAY: '100' }
project.run('deed up --detach', { env })
try {
  const { execution_id: id, trace_id } = JSON.parse(project.run(`deed run --yes --json '${TASK}' 2> /dev/null`))
  const trace = await until(
    async () => {
      const response = await fetch(`${jaeger.url}/api/traces/${trace_id}`)
      const [found] = response.ok ? Traces.parse(await response.json()).data : []
      return found && isWhole(found, ['process execution.request', 'process work.act', 'process task.report']) && found
    },
    { what: 'the whole trace in Jaeger' },
  )
  mkdirSync(FOLDER, { recursive: true })
  const title = `One execution in Jaeger: "${TASK}"`
  writeFileSync(join(FOLDER, 'trace-in-jaeger.svg'), tracePicture(trace, { title, madeBy: MADE_BY }))

  // For what waits, and what has failed.
  project.run('deed run "read nothing.txt"; deed submit "stop test-service"')
  await until(() => project.run('deed top --once').includes('stop test-service'), { what: 'what waits' })
  const short = String(id).slice(-8)
  for (const [name, command] of Object.entries({
    'deed-trace': `deed trace ${short}`,
    'deed-show': `deed show ${short}`,
    'deed-top': 'deed top --once',
  })) {
    const lines = session(command, project.run(command, { columns: 100 }), LINES_MAX)
    writeFileSync(
      join(FOLDER, `${name}.svg`),
      terminalPicture(lines, { title: `${command} in a terminal`, madeBy: MADE_BY }),
    )
  }
} finally {
  // What a mesh has started outlives it by design.
  project.run(`deed cancel --all --yes; deed run --yes 'stop test-service'`)
}
