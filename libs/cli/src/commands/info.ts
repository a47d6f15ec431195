/** deed info: how to connect from outside. */
import { accountsConfiguration, passwordLogin } from '@deed/local/accounts-configuration'
import { accountsOf } from '@deed/proto/accounts'
import { PrincipalName } from '@deed/proto/ids'
import { ORGANIZATION_ROLES } from '@deed/proto/organization'
import { CALLERS, type Caller, MESH_USERS, passwordVariable, serviceAs } from '@deed/proto/permissions'
import { roleUser } from '@deed/proto/role-requests'
import type { Command } from 'commander'
import { z } from 'zod'
import { type Address, findMesh } from '../connect/connection.ts'
import { shellOf } from '../connect/shell.ts'
import { UsageError } from '../terminal/exit-code.ts'
import { collect } from '../terminal/options.ts'
import type { Paint } from '../terminal/paint.ts'

const MASK = '****'

export function addInfo(program: Command): void {
  program
    .command('info')
    .summary('how to connect to the mesh from outside')
    .description('How to connect to the mesh from outside.')
    .option('--show-secrets', 'show passwords')
    .option('--nats-config', 'accounts and permissions for a nats-server of your own')
    .option('--caller <name=role:tenant.user>', 'of --nats-config: one more caller; may be repeated', collect)
    .addHelpText(
      'after',
      '\nExamples:\n  deed info\n  deed info --show-secrets --json\n  deed info --nats-config --caller ann=client:acme.ann > nats.conf',
    )
    .action(({ showSecrets = false, natsConfig = false, caller = [] }: InfoOptions, command: Command) => {
      const shell = shellOf(command)
      if (natsConfig) return shell.out.print(natsConfiguration(caller.map(callerFrom)))
      const address = findMesh(shell.env, shell.dataDir)
      const shown = showSecrets ? address : masked(address)
      shell.out.document({ ...shown, example: exampleOf(shown) })
      shell.out.print(infoText(shown, shell.out.paint, showSecrets))
    })
}

interface InfoOptions {
  showSecrets?: boolean
  natsConfig?: boolean
  caller?: string[]
}

/** To be included in the configuration of a nats-server; it reads the passwords from its environment. */
export function natsConfiguration(more: readonly Caller[]): string {
  return [
    '# Passwords, in clear or as bcrypt, are read from the environment of nats-server, as NATS_PASSWORD_EXECUTOR.',
    accountsConfiguration(accountsOf([...CALLERS, ...more]), (user) => [
      passwordLogin(user, `$${passwordVariable(user)}`),
    ]),
  ].join('\n')
}

/** @throws {UsageError} */
export function callerFrom(text: string): Caller {
  const [, name, role, tenant, user] = /^([^=]+)=([^:]+):([^.]+)\.(.+)$/.exec(text) ?? []
  const { data } = CallerOption.safeParse({ name, role, tenant, user })
  if (data) return data
  throw new UsageError(
    `--caller takes <name>=<client|approver>:<tenant>.<user>, such as ann=client:acme.ann, with a name that no other NATS user has, not ${JSON.stringify(text)}`,
  )
}

const TAKEN = new Set<string>([...MESH_USERS, ...CALLERS.map(({ name }) => name)])
const CallerOption = z.object({
  name: PrincipalName.refine((name) => !TAKEN.has(name)),
  role: z.enum(['client', 'approver']),
  tenant: PrincipalName.refine((tenant) => tenant !== serviceAs('executor').tenant),
  user: PrincipalName,
})

export function infoText(address: Address, paint: Paint, showSecrets: boolean): string {
  const { nats_url: url, nats_user: user, nats_password: password, users, database_url: database, source } = address
  const width = Math.max(10, ...Object.keys(users).map((name) => name.length + 2))
  return [
    `NATS      ${url}`,
    ...(user === undefined ? [] : [`  ${user.padEnd(width)}${password ?? ''}  may do everything`]),
    ...Object.entries(users).map(([name, secret]) =>
      `  ${name.padEnd(width)}${secret}  ${RIGHTS[name] ?? ''}`.trimEnd(),
    ),
    `database  ${database ?? 'not known here; set DATABASE_URL'}`,
    `known by  ${source}`,
    '',
    exampleOf(address),
    ...(showSecrets ? [] : ['', paint('dim', 'Passwords are shown with --show-secrets.')]),
  ].join('\n')
}

const RIGHTS: Record<string, string> = {
  client: 'asks for work and follows it',
  approver: 'asks, and approves what others asked for',
  mcp: 'is what deed mcp enters as',
  ...Object.fromEntries(
    ORGANIZATION_ROLES.map((role) => [roleUser(role), `is what deed mcp --role ${role} enters as`]),
  ),
}

/** For somebody who has the `nats` command. */
function exampleOf({ nats_url: url, nats_user: user, nats_password: password, users }: Address): string {
  const [name, secret] = users.client === undefined ? [user, password] : ['client', users.client]
  const login = name === undefined ? '' : ` --user ${name} --password '${secret ?? ''}'`
  return `nats --server ${url}${login} req execution.request '{"task": "How many assets do we have?"}'`
}

/** The same, with every password covered. */
export function masked(address: Address): Address {
  const {
    nats_url: servers,
    nats_password: password,
    nats_system_login: system,
    users,
    database_url: database,
  } = address
  return {
    ...address,
    nats_url: servers.split(',').map(maskedUrl).join(','),
    ...(password === undefined ? {} : { nats_password: MASK }),
    ...(system === undefined ? {} : { nats_system_login: { ...system, pass: MASK } }),
    users: Object.fromEntries(Object.keys(users).map((name) => [name, MASK])),
    ...(database === undefined ? {} : { database_url: maskedUrl(database) }),
  }
}

function maskedUrl(text: string): string {
  const url = URL.parse(text)
  if (!url) return text.includes('@') ? MASK : text
  if (url.password === '' && url.search === '') return text
  if (url.password !== '') url.password = MASK
  // A password may also be in the query.
  for (const name of url.searchParams.keys()) if (/pass/i.test(name)) url.searchParams.set(name, MASK)
  return url.href
}
