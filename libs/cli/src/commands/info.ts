/** deed info: how to connect from outside. */
import type { Command } from 'commander'
import { type Address, findMesh } from '../connection.ts'
import { shellOf } from '../shell.ts'
import type { Paint } from '../show/paint.ts'

const MASK = '****'

export function addInfo(program: Command): void {
  program
    .command('info')
    .description('how to connect to the mesh from outside')
    .option('--show-secrets', 'passwords as they are')
    .addHelpText('after', '\nExamples:\n  deed info\n  deed info --show-secrets --json')
    .action(({ showSecrets = false }: { showSecrets?: boolean }, command: Command) => {
      const shell = shellOf(command)
      const address = findMesh(shell.env, shell.dataDir)
      const shown = showSecrets ? address : masked(address)
      shell.out.document({ ...shown, example: exampleOf(shown) })
      shell.out.print(infoText(shown, shell.out.paint, showSecrets))
    })
}

export function infoText(address: Address, paint: Paint, showSecrets: boolean): string {
  const { nats_url: url, nats_user: user, nats_password: password, users, database_url: database, source } = address
  return [
    `NATS      ${url}`,
    ...(user === undefined ? [] : [`  ${user.padEnd(10)}${password ?? ''}  may do everything`]),
    ...Object.entries(users).map(([name, secret]) => `  ${name.padEnd(10)}${secret}  ${RIGHTS[name] ?? ''}`.trimEnd()),
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
}

/** For somebody who has the `nats` command. */
function exampleOf({ nats_url: url, nats_user: user, nats_password: password, users }: Address): string {
  const [name, secret] = users.client === undefined ? [user, password] : ['client', users.client]
  const login = name === undefined ? '' : ` --user ${name} --password '${secret ?? ''}'`
  return `nats --server ${url}${login} req execution.request '{"task": "How many assets do we have?"}'`
}

/** The same, with every password covered; in what it leaves out, no secret is. */
export function masked(address: Address): Address {
  const { nats_password: password, users, database_url: database } = address
  return {
    ...address,
    ...(password === undefined ? {} : { nats_password: MASK }),
    users: Object.fromEntries(Object.keys(users).map((name) => [name, MASK])),
    ...(database === undefined ? {} : { database_url: maskedUrl(database) }),
  }
}

function maskedUrl(text: string): string {
  const url = URL.parse(text)
  if (!url) return MASK
  if (url.password !== '') url.password = MASK
  // A password may also stand in the query.
  for (const name of url.searchParams.keys()) if (/pass/i.test(name)) url.searchParams.set(name, MASK)
  return url.href
}
