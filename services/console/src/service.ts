/** The parts of the console, in the order they open. */

import { createServer } from 'node:http'
import { connectBus } from '@deed/mesh/bus'
import { natsProbe } from '@deed/mesh/nats-probe'
import { serveLogLevel } from '@deed/mesh/serve-log-level'
import { drainServer, listenAt } from '@deed/process/http-server'
import { DEED_VERSION, serveMetrics } from '@deed/process/serve-metrics'
import * as proto from '@deed/proto/console'
import { createLogger } from '@deed/telemetry/logger'
import { getRequestListener } from '@hono/node-server'
import type { Config } from './config.ts'
import { openAddresses } from './guard/addresses.ts'
import { openAttempts } from './guard/attempts.ts'
import { openRefusals } from './guard/refusal.ts'
import { openRefusalAudit } from './guard/refusal-audit.ts'
import { consoleApp } from './http/app.ts'
import { openPage } from './http/page.ts'
import { openLive } from './live/live.ts'
import { openOidc } from './oidc/oidc.ts'
import { openPasskeys } from './passkeys/passkeys.ts'
import { openPasskeyStore } from './passkeys/store.ts'
import { openCookie } from './sessions/cookies.ts'
import { openEndedByProvider } from './sessions/ended-by-provider.ts'
import { openKeys } from './sessions/keys.ts'
import { hashOf, openLinks } from './sessions/links.ts'
import { openSessions } from './sessions/sessions.ts'
import { openSignedOut } from './sessions/signed-out.ts'

const HEADERS_MS_MAX = 10_000
const REQUEST_MS_MAX = 30_000
/** Longer than a page waits between two reads, so that it need not connect again, nor meet a connection that just ends. */
const KEEP_ALIVE_MS = 75_000
const CONNECTIONS_MAX = 2_000
const HEADER_BYTES_MAX = 16_384
/** How long answers that are on their way may take while it drains. */
const DRAIN_MS_MAX = 10_000

/** Starts the console. Disposing it drains: live connections are closed, running requests answered, then it disconnects. */
export async function startConsole(config: Config): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const log = createLogger('console')
  const { settings, dataFolder, logsFolder } = config
  const metrics = opened.use(await serveMetrics('console', log, config.metrics))
  const page = await openPage()
  const bus = opened.use(await connectBus({ service: 'console', ...config.bus, log }))
  metrics.readyIf({ nats: natsProbe(bus) })
  serveLogLevel(bus, 'console')

  const refusals = openRefusals(log, opened.use(openRefusalAudit(bus, log)))
  const server = createServer({
    headersTimeout: HEADERS_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  })
  server.maxConnections = CONNECTIONS_MAX
  opened.defer(() => drainServer(server, DRAIN_MS_MAX))
  const port = await listenAt(
    server,
    { host: settings.host, port: config.port },
    (cause) =>
      `the console cannot listen at ${settings.host}, port ${config.port} (${cause}); change console.host or console.port`,
  )
  const addresses = openAddresses(port, settings.url)
  const keys = openKeys(dataFolder)
  const links = openLinks()
  const scope = { port, secure: addresses.secure }
  const sessions = openSessions({
    ...{ keys, links, signedOut: openSignedOut(dataFolder), bearers: settings.tokens, hours: settings.session_hours },
    endedByProvider: openEndedByProvider(dataFolder, settings.session_hours * 3_600_000),
    providerMark: settings.oidc && hashOf(JSON.stringify(settings.oidc)),
    cookie: openCookie('session', scope),
  })
  const oidc =
    settings.oidc &&
    openOidc({
      ...{ settings: settings.oidc, secret: config.clientSecret, keys, cookie: openCookie('oidc', scope) },
      ...{ url: addresses.url, log },
    })
  const live = opened.use(openLive({ bus, addresses, sessions, refusals }))
  const app = consoleApp({
    ...{ bus, log, page, addresses, attempts: openAttempts(), sessions, refusals, oidc },
    passkeys: openPasskeys(openPasskeyStore(dataFolder), addresses.url),
    ...{
      logsFolder,
      endLive: live.end,
      endLiveOfEnded: live.endEnded,
      version: DEED_VERSION,
      jaegerUrl: settings.jaeger_url ?? null,
    },
  })
  server.on('request', getRequestListener(app.fetch, { overrideGlobalObjects: false }))
  server.on('upgrade', live.onUpgrade)

  bus.serve(proto.linkConsole, async ({ tenant, user, role }) => {
    const { token, expiresAt } = links.make({ tenant, user, role })
    const url = `${addresses.url}/#token=${token}`
    return { url, tenant, user, role, expires_at: new Date(expiresAt).toISOString() }
  })
  bus.serve(proto.signOutOfConsole, async () => {
    keys.rotate()
    links.clear()
    live.endAll()
    log.info('everybody was signed out')
    return { signed_out_at: new Date().toISOString() }
  })
  log.info({ url: addresses.url }, 'the console listens')
  return opened.move()
}
