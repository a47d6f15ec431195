/** deed console: a link that signs a person in to the console, once; opened in the browser, or printed. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { linkConsole, signOutOfConsole } from '@deed/proto/console'
import { CONSOLE_ROLES, type ConsoleRole } from '@deed/proto/permissions'
import { type Command, Option } from 'commander'
import { principalFrom } from '../connect/connection.ts'
import { type Shell, shellOf, withMesh } from '../connect/shell.ts'
import { relative } from '../terminal/amounts.ts'

interface ConsoleOptions {
  print?: boolean
  role: ConsoleRole
  signOut?: boolean
}

/** The page that the browser is started with: a link among the arguments of a program is seen by every user of the host. */
const OPENER = 'console.html'

export function addConsole(program: Command): void {
  program
    .command('console')
    .summary('open the console in the browser')
    .description('Open the console in the browser, signed in by a link that works once, within\nten minutes.')
    .option('--print', 'print the link instead')
    .addOption(new Option('--role <role>', 'what may be done there').choices(CONSOLE_ROLES).default('admin'))
    .option('--sign-out', 'end the sessions of everybody instead')
    .addHelpText(
      'after',
      `
Examples:
  deed console
  deed console --print --role viewer --as acme.ann
  deed console --sign-out

The link is for the user approver, who decides on what others request; --as
makes one for another user, such as user, who requests with deed run.`,
    )
    .action(async ({ print = false, role, signOut = false }: ConsoleOptions, command: Command) => {
      const { as, ...shell } = shellOf(command)
      const person = as === undefined ? {} : principalFrom(as)
      const { out } = shell
      // The operator makes the link, for any user.
      await withMesh({ ...shell, as: undefined }, async (bus) => {
        if (signOut) {
          out.document(await bus.call(signOutOfConsole, {}))
          return out.print('everybody is signed out')
        }
        const link = await bus.call(linkConsole, { ...person, role }, { patient: false })
        out.document(link)
        const about = `signs in as ${link.tenant}.${link.user}, ${role}; it ends ${relative(link.expires_at, Date.now())}`
        if (!print && opensIn(shell, link.url)) return out.print(`opened in the browser: ${about}`)
        out.print(link.url)
        out.note(about)
      })
    })
}

/** @returns whether a browser was started, which needs somebody who looks at it */
function opensIn({ env, dataDir, out }: Pick<Shell, 'env' | 'dataDir' | 'out'>, url: string): boolean {
  const { platform } = process
  const shown = platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY)
  if (!out.interactive || !shown || env.SSH_CONNECTION || env.NATS_URL) return false
  const file = join(dataDir, OPENER)
  writeFileSync(file, `<!doctype html><meta http-equiv="refresh" content="0; url=${url}">`, { mode: 0o600 })
  const [program, ...args] =
    platform === 'darwin' ? ['open'] : platform === 'win32' ? ['cmd', '/c', 'start', ''] : ['xdg-open']
  const child = spawn(program as string, [...args, file], { detached: true, stdio: 'ignore' })
  child.on('error', () => out.note(`no browser could be started; open ${url}`))
  child.unref()
  return true
}
