import type { Action } from '@deed/proto/action'

type Met = 'expect_before' | 'expect_sandbox' | 'expect_resolved' | 'expect_files' | 'observe_only'

/** The action without its preconditions, which an inspection and the policy determine each time. */
export function unsealedOf<A extends Pick<Action, Met> | Partial<Pick<Action, Met>>>(action: A): Omit<A, Met> {
  const { expect_before, expect_sandbox, expect_resolved, expect_files, observe_only, ...wish } = action
  return wish
}
