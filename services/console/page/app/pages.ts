/** The pages: where each is, what its key is, and its module, which runs when it is first opened. */
import type { ComponentType } from 'preact'

export const GROUPS = ['Work', 'Set up', 'Mesh'] as const

export interface Page {
  /** A pattern of the router; parts that begin with a colon are given to the page. */
  readonly path: string
  readonly title: string
  /** After `g`. */
  readonly key?: string
  /** Its heading in the navigation; absent: it is not there. */
  readonly group?: (typeof GROUPS)[number]
  readonly load: () => Promise<{ default: ComponentType<Record<string, string>> }>
}

export const PAGES: readonly Page[] = [
  { path: '/', title: 'Overview', key: 'o', group: 'Work', load: () => import('../pages/overview/overview.tsx') },
  { path: '/inbox', title: 'Inbox', key: 'i', group: 'Work', load: () => import('../pages/inbox/inbox.tsx') },
  { path: '/inbox/:id', title: 'Inbox', load: () => import('../pages/inbox/inbox.tsx') },
  {
    path: '/executions',
    title: 'Executions',
    key: 'e',
    group: 'Work',
    load: () => import('../pages/executions/executions.tsx'),
  },
  { path: '/executions/:id', title: 'Execution', load: () => import('../pages/execution/execution.tsx') },
  {
    path: '/new',
    title: 'New execution',
    key: 'n',
    group: 'Work',
    load: () => import('../pages/new-execution/new-execution.tsx'),
  },
  { path: '/tasks', title: 'Tasks', key: 't', group: 'Work', load: () => import('../pages/tasks/tasks.tsx') },
  { path: '/passkeys', title: 'Passkeys', load: () => import('../pages/passkeys/passkeys.tsx') },
  { path: '/goals', title: 'Goals', key: 'l', group: 'Set up', load: () => import('../pages/goals/goals.tsx') },
  {
    path: '/schedules',
    title: 'Schedules',
    key: 's',
    group: 'Set up',
    load: () => import('../pages/schedules/schedules.tsx'),
  },
  { path: '/grants', title: 'Grants', key: 'g', group: 'Set up', load: () => import('../pages/grants/grants.tsx') },
  {
    path: '/templates',
    title: 'Templates',
    key: 'p',
    group: 'Set up',
    load: () => import('../pages/templates/templates.tsx'),
  },
  { path: '/rules', title: 'Rules', key: 'r', group: 'Set up', load: () => import('../pages/rules/rules.tsx') },
  {
    path: '/organization',
    title: 'Organization',
    key: 'b',
    group: 'Mesh',
    load: () => import('../pages/organization/organization.tsx'),
  },
  { path: '/agents', title: 'Agents', key: 'a', group: 'Mesh', load: () => import('../pages/agents/agents.tsx') },
  { path: '/cache', title: 'Cache', key: 'c', group: 'Mesh', load: () => import('../pages/cache/cache.tsx') },
  {
    path: '/models',
    title: 'Models and money',
    key: 'm',
    group: 'Mesh',
    load: () => import('../pages/models/models.tsx'),
  },
  { path: '/logs', title: 'Logs', key: 'w', group: 'Mesh', load: () => import('../pages/logs/logs.tsx') },
  { path: '/audit', title: 'Audit', key: 'u', group: 'Mesh', load: () => import('../pages/audit/audit.tsx') },
  { path: '/doctor', title: 'Doctor', key: 'd', group: 'Mesh', load: () => import('../pages/doctor/doctor.tsx') },
]
