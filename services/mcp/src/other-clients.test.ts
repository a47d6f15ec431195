// Clients that are not among the dependencies, against a role over standard input and output: the command line of the official
// inspector, and a client of the SDK's version 1, which most programs still have. Variables name where they are.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { COMMAND } from '@deed/drill/harness/deed-process'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { afterAll, describe, expect, it } from 'vitest'
import { roleServer } from './roles/role-server.ts'

const INSPECTOR = process.env.MCP_INSPECTOR ?? ''
const SDK_V1 = process.env.MCP_SDK_V1 ?? ''
const withoutInspector = INSPECTOR === '' ? ' (skipped: MCP_INSPECTOR names no program of the inspector)' : ''
const withoutSdk = SDK_V1 === '' ? ' (skipped: MCP_SDK_V1 names no folder of the SDK)' : ''

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
// It needs no mesh until a tool is called.
const SERVER = [COMMAND, 'mcp', '--role', 'ceo', '--data-dir', folder.path]
const names = roleServer('ceo').tools.map(({ name }) => name)

/** What is used of a client of version 1. */
interface ClientV1 {
  connect(transport: object): Promise<void>
  listTools(): Promise<{ tools: { name: string }[] }>
  callTool(call: object): Promise<{ isError?: boolean; content: { text?: string }[] }>
  close(): Promise<void>
}

describe.skipIf(withoutInspector !== '')(`the inspector's command line${withoutInspector}`, () => {
  it('lists the tools of a role', async () => {
    const args = [INSPECTOR, '--cli', process.execPath, ...SERVER, '--method', 'tools/list', '--format', 'json']
    // It keeps secrets below its home.
    const env = { PATH: process.env.PATH, HOME: folder.path }
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((end) =>
      execFile(process.execPath, args, { env }, (error, out, err) =>
        end({ code: error?.code ?? 0, stdout: out, stderr: err }),
      ),
    )
    expect(code, stdout + stderr).toBe(0)
    const listed = JSON.parse(stdout) as { tools?: { name: string }[]; result?: { tools: { name: string }[] } }
    expect((listed.tools ?? listed.result?.tools)?.map(({ name }) => name)).toEqual(names)
  })
})

describe.skipIf(withoutSdk !== '')(`a client of the SDK's version 1${withoutSdk}`, () => {
  it('lists the tools of a role, and reads what a tool says without a mesh', async () => {
    const from = (file: string) => import(pathToFileURL(join(SDK_V1, 'dist/esm/client', file)).href)
    const { Client } = (await from('index.js')) as { Client: new (info: object) => ClientV1 }
    const { StdioClientTransport } = (await from('stdio.js')) as {
      StdioClientTransport: new (options: object) => object
    }
    const client = new Client({ name: 'test', version: '1' })
    const env = { PATH: process.env.PATH ?? '' }
    await client.connect(new StdioClientTransport({ command: process.execPath, args: SERVER, env, stderr: 'ignore' }))
    try {
      expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(names)
      const { isError, content } = await client.callTool({ name: 'read_inbox', arguments: {} })
      expect([isError, content[0]?.text]).toEqual([true, expect.stringContaining('deed up')])
    } finally {
      await client.close()
    }
  })
})
