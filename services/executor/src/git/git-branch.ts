/** git.branch: a branch at a commit, and, if wanted, HEAD on it. Undone by deleting it, if it was made here. */

import { crashPoint } from '@deed/process/crash-point'
import { DeedError } from '@deed/proto/errors'
import { z } from 'zod'
import type { Before, Kind, TargetState } from '../kind/kind.ts'
import { failed, verified } from '../kind/seen.ts'
import { CommitName, headBranch, moveRef, openRepository, RepositoryPath, resolveCommit } from './repository.ts'

const Input = z.strictObject({
  repository: RepositoryPath,
  name: z
    .string()
    .max(200)
    .regex(/^(?!.*(?:\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$))[A-Za-z0-9_][A-Za-z0-9._/-]*$/, 'is no name of a branch'),
  from: CommitName.default('HEAD'),
  /** HEAD is set to the branch. No file is touched, so `from` must be where HEAD is. */
  switch: z.boolean().default(false),
})
export type GitBranch = z.output<typeof Input>

export type BranchBefore = Before & {
  commit: string
  /** Where the branch was; null: there was none. */
  branch: string | null
  /** The branch that HEAD was on; null: on none. */
  head: string | null
}

export const gitBranch: Kind<GitBranch, BranchBefore> = {
  name: 'git.branch',
  version: 1,
  input: Input,
  idempotent: true,
  example: { repository: '.', name: 'feature/login', from: 'main', switch: false },
  effectOf: (input) => (input.switch ? 'change' : 'create'),
  summary: ({ name, from, ...input }) => `make the branch ${name} at ${from}${input.switch ? ', and go on it' : ''}`,
  async before({ repository: path, name, from, ...input }, context) {
    const repository = await openRepository(path, context)
    const commit = await resolveCommit(repository, from)
    if (commit === undefined) throw new DeedError('not_found', `there is no commit ${from}`, { path: '$.input.from' })
    const branch = await resolveCommit(repository, refOf(name))
    if (branch !== undefined && branch !== commit)
      throw new DeedError('precondition_failed', `the branch ${name} exists at another commit: ${branch.slice(0, 12)}`)
    if (input.switch && commit !== (await resolveCommit(repository, 'HEAD')))
      throw new DeedError('precondition_failed', 'HEAD is at another commit, and going there would change files')
    return { state: branch ?? 'absent', commit, branch: branch ?? null, head: (await headBranch(repository)) ?? null }
  },
  reversibility: () => 'reversible',
  postcondition: () => ({ kind: 'own_observation' }),
  async observe({ repository: path, name, ...input }, context, { commit }) {
    const repository = await openRepository(path, context)
    const branch = await resolveCommit(repository, refOf(name))
    const observed = `the branch ${name} is ${branch === undefined ? 'not there' : `at ${branch}`}`
    if (branch !== commit) return failed(observed)
    if (!input.switch) return verified(observed, { commit })
    const head = await headBranch(repository)
    const both = `${observed}, and HEAD is on ${head ?? 'no branch'}`
    return head === refOf(name) ? verified(both, { commit }) : failed(both, { commit })
  },
  async execute({ repository: path, name, ...input }, context, { commit }) {
    const repository = await openRepository(path, context)
    context.begin()
    if ((await resolveCommit(repository, refOf(name))) === undefined)
      await moveRef(repository, refOf(name), undefined, commit, 'branch: made by Deed')
    crashPoint('executor.mid_effect')
    if (input.switch) await repository.git(['symbolic-ref', '-m', 'made by Deed', 'HEAD', refOf(name)])
    const text = `${name} is at ${commit.slice(0, 12)}`
    return { claimed: text, result: { text, data: { branch: name, commit } } }
  },
  async compensate({ repository: path, name, ...input }, context, { commit, branch, head }) {
    const repository = await openRepository(path, context)
    context.begin()
    if (input.switch && head !== refOf(name) && (await headBranch(repository)) === refOf(name)) {
      if (head !== null) await repository.git(['symbolic-ref', '-m', 'undone by Deed', 'HEAD', head])
      else await repository.git(['update-ref', '--no-deref', 'HEAD', commit])
    }
    if (branch === null) await moveRef(repository, refOf(name), commit, undefined, 'undone by Deed')
    return branch === null ? `deleted the branch ${name}` : `left the branch ${name}, which was there before`
  },
  async targetState({ repository: path, name, ...input }, context, before): Promise<TargetState> {
    const repository = await openRepository(path, context)
    const branch = (await resolveCommit(repository, refOf(name))) ?? null
    const head = (await headBranch(repository)) ?? null
    const observed = `the branch ${name} is ${branch === null ? 'not there' : `at ${branch}`}, HEAD is on ${head ?? 'none'}`
    const onIt = head === refOf(name) && before.head !== refOf(name)
    if (branch === before.branch && !(input.switch && onIt)) return { at: 'before', observed }
    // Somebody has committed to it, or gone on it, so it is theirs now.
    if (branch !== before.commit || (onIt && !input.switch)) return { at: 'elsewhere', observed }
    return { at: 'after', observed }
  },
}

const refOf = (name: string) => `refs/heads/${name}`
