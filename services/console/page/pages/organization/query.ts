/** What all views of the organization have in common: its roles, and parts of their addresses. */
import type { DecisionStatus, DecisionType } from '@deed/proto/decision'
import type { OrganizationRole } from '@deed/proto/organization'
import type { Output } from '../../app/contracts.ts'
import type { Place } from '../../app/router.ts'

export type Decision = Output<'organization.list-decisions'>['decisions'][number]
export type Rule = Output<'organization.list-mandates'>['rules'][number]
export type Role = OrganizationRole
export type { DecisionStatus, DecisionType }

/** The address without the view. */
export interface ViewProperties {
  readonly query: Place['query']
}

/** `ORGANIZATION_ROLES` of the contract. */
export const ROLES = [
  'ceo',
  'cto',
  'chro',
  'operations_head',
  'product_manager',
  'senior_architect',
  'uiux_engineer',
  'senior_developer',
  'test_lead',
] as const satisfies readonly Role[]

/** `DECISION_TYPES` of the contract. */
export const TYPES = [
  'strategic_initiative',
  'allocation',
  'technology',
  'architecture',
  'standard',
  'release',
  'deployment',
  'priority',
  'mandate',
  'hold',
] as const satisfies readonly DecisionType[]

export const STATUSES = ['pending', 'escalated', 'approved', 'rejected'] as const satisfies readonly DecisionStatus[]

/** `senior_developer`: "senior developer". */
export const wordsOf = (name: string): string => name.replaceAll('_', ' ')

export const optionsOf = (names: readonly string[]): { value: string; title: string }[] =>
  names.map((value) => ({ value, title: wordsOf(value) }))
