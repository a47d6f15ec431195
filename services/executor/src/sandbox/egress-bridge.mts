/**
 * Runs inside the box: a port on its loopback, which programs know how to use as a proxy, for the Unix socket through
 * which alone the box reaches the network. It starts the command, and ends with its exit code.
 */
import { spawn } from 'node:child_process'
import { type AddressInfo, connect, createServer } from 'node:net'
import { constants } from 'node:os'

const [socketPath = '', program = '', ...args] = process.argv.slice(2)

const server = createServer((inner) => {
  const outer = connect(socketPath)
  inner.on('error', () => outer.destroy())
  outer.on('error', () => inner.destroy())
  inner.pipe(outer).pipe(inner)
}).listen(0, '127.0.0.1', () => {
  const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const names = ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']
  const env = { ...process.env, ...Object.fromEntries(names.map((name) => [name, proxy])) }
  const child = spawn(program, args, { stdio: 'inherit', env })
  child.on('error', ({ message }) => {
    process.stderr.write(`${message}\n`)
    process.exit(127)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
})

// The command is asked to end as well, and may take its time.
process.on('SIGTERM', () => undefined)
