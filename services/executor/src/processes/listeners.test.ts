// Real sockets of this process, which is once the service's and once somebody else's.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { listenerAt, textOf } from './listeners.ts'

const SERVICE = new Set([process.pid])
const OTHERS = new Set([process.ppid])
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'))
const NO_IPV6 = HAS_IPV6 ? '' : ' (not tried here: this host has no IPv6 loopback)'
const IS_ROOT = process.getuid?.() === 0
const AS_ROOT = IS_ROOT ? '' : ' (not tried here: only root can become another user)'
const NOBODY = 65_534

async function listening(options: ListenOptions): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(options)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

it.each(['127.0.0.1', '0.0.0.0'])('finds who listens on %s, as the service or as another process', async (host) => {
  const { server, port } = await listening({ port: 0, host })
  const url = `http://127.0.0.1:${port}/health`
  expect(await listenerAt(url, SERVICE)).toEqual({ of: 'service', pid: process.pid })
  const other = await listenerAt(url, OTHERS)
  expect(other).toMatchObject({ of: 'others', pid: process.pid })
  expect(other?.of === 'others' && textOf(url, other)).toMatch(
    new RegExp(`^port ${port} is held by process ${process.pid} \\(.+\\), which is not of this service$`),
  )
  server.close()
  await once(server, 'close')
  expect(await listenerAt(url, SERVICE)).toBeUndefined()
})

it.skipIf(!HAS_IPV6)(`tells the listeners of one port by their addresses${NO_IPV6}`, async () => {
  const { server, port } = await listening({ port: 0, host: '::1' })
  expect(await listenerAt(`http://[::1]:${port}/`, SERVICE)).toEqual({ of: 'service', pid: process.pid })
  expect(await listenerAt(`http://127.0.0.1:${port}/`, SERVICE)).toBeUndefined()
  server.close()
  const both = await listening({ port: 0, host: '::' })
  expect(await listenerAt(`http://127.0.0.1:${both.port}/`, SERVICE)).toEqual({ of: 'service', pid: process.pid })
  both.server.close()
})

it('says that it cannot see who listens at an address of another host', async () => {
  expect(await listenerAt('http://192.0.2.1/', SERVICE)).toEqual({
    of: 'unseen',
    why: '192.0.2.1 is no address of this host',
  })
})

it.skipIf(!IS_ROOT)(`says that it cannot see into the processes of another user${AS_ROOT}`, async () => {
  const { server, port } = await listening({ port: 0, host: '127.0.0.1' })
  const program = `import { listenerAt } from ${JSON.stringify(join(import.meta.dirname, 'listeners.ts'))}
    console.log(JSON.stringify(await listenerAt('http://127.0.0.1:${port}/', new Set([${process.pid}]))))`
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { uid: NOBODY, gid: NOBODY })
  expect(JSON.parse(stdout)).toEqual({ of: 'unseen', why: `/proc/${process.pid}/fd cannot be read` })
  server.close()
})
