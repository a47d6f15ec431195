/**
 * A template with its body: the newest version, or the given one, which is read from the store if the files no longer
 * have it.
 */
import type { Handler } from '@deed/mesh/bus'
import { DeedError } from '@deed/proto/errors'
import type { getTemplate as contract } from '@deed/proto/template'
import type { Store } from '@deed/store/database'
import { findTemplate } from '../store/templates.ts'
import type { Catalogue } from '../templates/catalogue.ts'

interface Dependencies {
  catalogue: Catalogue
  store: Pick<Store<unknown>, 'query'>
}

export function getTemplate({ catalogue, store }: Dependencies): Handler<typeof contract> {
  return async ({ id, version }) => {
    const current = catalogue.get(id)
    if (current !== undefined && (version === undefined || version === current.version)) {
      const { language, taskType, description, body, variables, file } = current
      const template = { id, version: current.version, language, task_type: taskType, description, body, variables }
      return file === undefined ? template : { ...template, file }
    }
    const kept = version === undefined ? undefined : await findTemplate(store, id, version)
    if (kept !== undefined) return { ...kept, file: kept.file ?? undefined }
    const named = version === undefined ? id : `${id} version ${version}`
    throw new DeedError('not_found', `there is no template ${named}; template.list returns the known ones`, {
      path: '$.id',
    })
  }
}
