/** The name that a file has beside its place until it is whole. It belongs to the action that writes it, and to no tree. */
import type { ActionId } from '@deed/proto/ids'

export const temporaryNameOf = (actionId: ActionId): string => `.deed-${actionId}.tmp`

export const isTemporaryName = (name: string): boolean => PATTERN.test(name)

const PATTERN = /^\.deed-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\.tmp$/
