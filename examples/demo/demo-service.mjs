/**
 * A small HTTP service for the demo: it answers who it is.
 *
 * GET /health answers `{service, instance, pid, uptime_ms}`. `instance` is drawn for each start of the demo, so that
 * the demo can tell its own service from whatever else may listen on the port.
 */
import { createServer } from 'node:http'

const { SERVICE = 'demo-service', INSTANCE = '', PORT = '8080' } = process.env

const server = createServer((request, response) => {
  const known = request.url === '/health' || request.url === '/'
  response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' })
  const who = {
    service: SERVICE,
    instance: INSTANCE,
    pid: process.pid,
    uptime_ms: Math.round(process.uptime() * 1_000),
  }
  response.end(JSON.stringify(known ? who : { error: 'not found' }))
})

server.listen(Number(PORT), '127.0.0.1', () => console.log(`${SERVICE} listens on ${PORT} as process ${process.pid}`))

process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
