import type { Action } from '@deed/proto/action'

type Met = 'expect_before' | 'expect_sandbox' | 'expect_resolved' | 'expect_files' | 'observe_only'

/** What an action does, without what it must meet: that is for an inspection and the policy to say, each time. */
export function unsealedOf<A extends Pick<Action, Met> | Partial<Pick<Action, Met>>>(action: A): Omit<A, Met> {
  const { expect_before, expect_sandbox, expect_resolved, expect_files, observe_only, ...wish } = action
  return wish
}
