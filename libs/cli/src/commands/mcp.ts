/** deed mcp: Deed for programs that speak MCP, and their configuration. */

import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MODULE_EXTENSION } from '@deed/config/module-extension'
import type { Bus } from '@deed/mesh/bus'
import type { Principal } from '@deed/proto/ids'
import { ORGANIZATION_ROLES, type OrganizationRole } from '@deed/proto/organization'
import { roleUser } from '@deed/proto/role-requests'
import { createLogger, type Log } from '@deed/telemetry/logger'
import { type Command, Option } from 'commander'
import { principalFrom } from '../connect/connection.ts'
import { RELEASE } from '../connect/project.ts'
import { shellOf } from '../connect/shell.ts'
import { CLIENTS, type ClientName, clientFile, mergeInto, snippet, writeClientFile } from '../mcp/client-file.ts'
import { MCP_USER, reachMesh } from '../mcp/reach-mesh.ts'
import { UsageError } from '../terminal/exit-code.ts'

const SERVER = `services/mcp/src/stdio${MODULE_EXTENSION}`
/** A client may start ten of them: with a small young generation each takes a quarter less memory. */
const NODE_OPTIONS = ['--max-semi-space-size=1']

/** What the command needs of the server, which it loads by its path. */
interface Served {
  serveDeed(
    mesh: { bus(): Promise<Bus>; consoleUrl(): string | undefined },
    identity: { agent: Principal; person: Principal },
    log: Log,
    role?: OrganizationRole,
  ): Promise<void>
}

export function addMcp(program: Command): void {
  const mcp = program
    .command('mcp')
    .summary('serve Deed to a program that speaks MCP')
    .description(
      'Serve Deed over MCP on standard input and output, as a client such as Claude\nDesktop starts it. It requests as the user mcp; a person at the client approves\nup to level 1 in a form, higher levels in the console or with deed approve.',
    )
    .option('--person <user>', 'who answers the forms of the client', 'user')
    .addOption(new Option('--role <role>', 'serve a role of the organization instead').choices(ORGANIZATION_ROLES))
    .addHelpText(
      'after',
      '\nExamples:\n  deed mcp\n  deed mcp --as acme.bot --person ann\n  deed mcp --role ceo\n  deed mcp install --client claude-desktop',
    )
    .action(async ({ person: named, role }: { person: string; role?: OrganizationRole }, command: Command) => {
      const { env, dataDir, as } = shellOf(command)
      const asked = principalFrom(as ?? MCP_USER)
      // A role requests and decides under its own name.
      const agent = role === undefined ? asked : { ...asked, user: role }
      const person = principalFrom(named.includes('.') ? named : `${agent.tenant}.${named}`)
      if (person.user === agent.user)
        throw new UsageError('--person must be another user than the one that requests: nobody approves their own work')
      const { serveDeed } = (await import(pathToFileURL(join(RELEASE, SERVER)).href)) as Served
      await using mesh = reachMesh(env, dataDir, role === undefined ? MCP_USER : roleUser(role))
      await serveDeed(mesh, { agent, person }, createLogger('mcp', 2), role)
    })
  mcp
    .command('install')
    .summary('the configuration of a client')
    .description(
      'Print what a client needs to start deed mcp, or write it into its file. What is\nthere stays; another entry for deed is shown, and replaced with --replace alone.',
    )
    .addOption(new Option('--client <name>', 'the client').choices(CLIENTS).makeOptionMandatory())
    .option('--write', 'write the file instead')
    .option('--replace', 'with --write: also replace an entry for deed that is another one')
    .addHelpText(
      'after',
      '\nExamples:\n  deed mcp install --client claude-desktop\n  deed mcp install --client vscode --write\n  deed mcp install --client cursor --role ceo',
    )
    .action((options: InstallOptions, command: Command) => install(options, command))
}

interface InstallOptions {
  client: ClientName
  write?: boolean
  replace?: boolean
}

function install({ client, write = false, replace = false }: InstallOptions, command: Command): void {
  const { env, dataDir, project, out } = shellOf(command)
  // An option of `deed mcp`, which may come behind `install` too.
  const { role } = command.optsWithGlobals<{ role?: OrganizationRole }>()
  const script = realpathSync(join(RELEASE, 'libs/cli/bin/deed.mjs'))
  const args = [...NODE_OPTIONS, script, 'mcp', ...(role === undefined ? [] : ['--role', role]), '--data-dir', dataDir]
  const entry = { command: process.execPath, args }
  const file = clientFile(client, entry, { platform: process.platform, env, project, role })
  if (!write) {
    out.document({ file: file.path, key: file.key, entry: file.entry })
    out.print(snippet(file).trimEnd())
    return out.note(`for ${file.path}; --write adds it there`)
  }
  const { text, before, changes } = mergeInto(file)
  if (before !== undefined) {
    out.note(`${file.path} has another entry for ${file.server}:\n${JSON.stringify(before, null, 2)}\nthe new one:`)
    out.note(JSON.stringify(file.entry, null, 2))
    if (!replace) throw new UsageError(`${file.path} was not changed; --replace replaces that entry`)
  }
  if (changes) writeClientFile(file.path, text)
  out.document({ file: file.path, written: changes })
  out.print(changes ? `${file.path} has Deed now; restart ${client}` : `${file.path} has Deed already`)
}
