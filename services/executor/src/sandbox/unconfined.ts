/** Commands that run as they are, where there is nothing to confine them: limited and watched, but free to look around. */
import type { ControlGroups } from './control-groups.ts'
import { limited } from './limits.ts'
import type { Sandbox } from './sandbox.ts'

/** @param name `allow-list`: only programs that the configuration names; `none`: any, as the configuration asks for */
export function unconfined(name: 'allow-list' | 'none', groups?: ControlGroups): Sandbox {
  return {
    name: [name, ...(groups ? [groups.name] : [])].join('+'),
    confines: false,
    open({ argv, cwd, openedCwd = cwd, env, secrets, timeoutMs }) {
      const group = groups?.open()
      return {
        argv: limited(argv, timeoutMs, group?.folders ?? []),
        cwd: openedCwd,
        env: { ...env, ...secrets },
        descriptors: new Map(),
        group,
        [Symbol.asyncDispose]: async () => group?.[Symbol.asyncDispose](),
      }
    },
  }
}
