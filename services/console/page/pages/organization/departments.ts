/** What departments have spent of what they were given. Pure. */
import type { Output } from '../../app/contracts.ts'
import { shareOf } from '../../text/times.ts'

type Allocation = Output<'organization.list-allocations'>['departments'][number]

export interface Department extends Allocation {
  /** In dollars; null: this role may not read it. */
  readonly spent: number | null
  readonly left: number | null
  /** 0 to 1; null: not known. All of nothing is 1. */
  readonly share: number | null
}

/** @param spending undefined: not known. A department without a call has none there. */
export function spentOf(
  allocations: readonly Allocation[],
  spending: Output<'model.stats'>['departments'] | undefined,
): Department[] {
  const spentBy = new Map(spending?.map(({ department, spent_usd: usd }) => [department, usd]))
  return allocations.map((one) => {
    if (spending === undefined) return { ...one, spent: null, left: null, share: null }
    const spent = spentBy.get(one.department) ?? 0
    return { ...one, spent, left: Math.max(0, one.amount - spent), share: shareOf(spent, one.amount) }
  })
}
