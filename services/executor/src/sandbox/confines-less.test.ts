import { describe, expect, it } from 'vitest'
import { confinesLess } from './confines-less.ts'

describe('a sandbox beside the one that was agreed to', () => {
  it.each([
    ['none', 'allow-list'],
    ['allow-list+cgroup2', 'bwrap'],
    ['bwrap', 'bwrap+seccomp'],
    ['bwrap+cgroup2', 'bwrap+seccomp+cgroup1'],
    ['bwrap+seccomp', 'bwrap+seccomp+cgroup1'],
    ['other', 'bwrap'],
    ['unshare', 'bwrap+seccomp'],
    ['landlock+seccomp', 'unshare'],
  ])('%s confines less than %s', (actual, expected) => expect(confinesLess(actual, expected)).toBe(true))

  it.each([
    ['none', 'none'],
    ['bwrap', 'none+cgroup1'],
    ['bwrap+seccomp+cgroup2', 'bwrap+seccomp+cgroup1'],
    ['bwrap+seccomp+cgroup1', 'bwrap'],
    ['allow-list', 'none'],
    ['unshare+seccomp', 'bwrap+seccomp'],
    ['bwrap+seccomp+cgroup1', 'unshare+seccomp+cgroup2'],
    ['unshare', 'landlock+seccomp'],
  ])('%s confines as much as %s', (actual, expected) => expect(confinesLess(actual, expected)).toBe(false))
})
