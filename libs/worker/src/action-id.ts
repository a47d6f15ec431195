/** The id of a task's action: the same for every attempt, so that its effect happens once. */

import { derivedUuid } from '@deed/json/canonical-json'
import type { ActionId, TaskId } from '@deed/proto/ids'

export const actionIdOf = (task: TaskId): ActionId => derivedUuid(task, '0') as ActionId
