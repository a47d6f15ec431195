/**
 * A template with its body: the newest version, or the given one, which is read from the store if it is no longer in
 * use.
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
  return async ({ id, version }, { principal: { tenant } }) => {
    const current = catalogue.get(id)
    const inUse = version === undefined || version === current?.version
    const found = inUse ? current : await findTemplate(store, tenant, id, version)
    if (found === undefined) {
      const named = version === undefined ? id : `${id} version ${version}`
      throw new DeedError('not_found', `there is no template ${named}; template.list returns the known ones`, {
        path: '$.id',
      })
    }
    const { taskType, complexity: _, keywords, when, source, own, text, ...template } = found
    return { ...template, task_type: taskType, makes: [...template.makes], acceptance: [...template.acceptance] }
  }
}
