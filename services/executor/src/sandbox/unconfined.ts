/** Commands that run as they are, where there is nothing to confine them: limited and watched, but free to look around. */

import { findSystemProgram } from '../processes/find-program.ts'
import { becoming, commandUser } from './command-user.ts'
import type { ControlGroups } from './control-groups.ts'
import { limited } from './limits.ts'
import type { Sandbox } from './sandbox.ts'

/**
 * @param name `allow-list`: only programs that the configuration names, and where Deed is root, without its rights;
 *   `none`: any, as the configuration asks for, with all rights that Deed has
 */
export function unconfined(name: 'allow-list' | 'none', groups?: ControlGroups): Sandbox {
  return {
    name: [name, ...(groups ? [groups.name] : [])].join('+'),
    confines: false,
    open({ argv, workspace, cwd, openedCwd = cwd, env, secrets, timeoutMs }) {
      const group = groups?.open()
      const command = name === 'none' ? argv : [...withoutRoot(workspace, group !== undefined), ...argv]
      return {
        argv: limited(command, timeoutMs, group?.folders ?? []),
        cwd: openedCwd,
        env: { ...env, ...secrets },
        descriptors: new Map(),
        group,
        [Symbol.asyncDispose]: async () => group?.[Symbol.asyncDispose](),
      }
    },
  }
}

const RIGHTS = ['--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--']
/** What is asked for by number and not by right is not there to be asked for: a process must not leave its control group. */
const HIDE_GROUPS = `mount -n -t tmpfs -o size=4k,mode=555,ro deed /sys/fs/cgroup || exit 125
exec "$@"`

/** A command of root's becomes the owner of its workspace; where that is root, too, it keeps the number without the rights. */
function withoutRoot(workspace: string, grouped: boolean): string[] {
  const user = commandUser(workspace)
  const [setpriv, unshare, sh] = ['setpriv', 'unshare', 'sh'].map(findSystemProgram)
  if (!user || !setpriv) return []
  if (!user.ownsAsRoot) return [...becoming(user), ...RIGHTS]
  const hidden =
    grouped && unshare && sh
      ? [unshare, '--mount', '--propagation', 'private', '--', sh, '-c', HIDE_GROUPS, 'deed']
      : []
  return [...hidden, setpriv, ...RIGHTS]
}
