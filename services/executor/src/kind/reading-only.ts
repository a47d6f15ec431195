/** What all kinds have in common that change nothing: they may run again, and there is nothing to undo. */
import type { Kind } from './kind.ts'

export const readingOnly = {
  idempotent: true,
  effectOf: () => 'read',
  reversibility: () => 'reversible',
  mayHoldAlready: () => false,
  compensate: async () => 'nothing was changed',
  targetState: async () => ({ at: 'before', observed: 'it only reads, so there is nothing to bring back' }),
} satisfies Partial<Kind>
