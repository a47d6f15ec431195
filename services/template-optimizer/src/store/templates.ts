/**
 * Every version of a template that was ever loaded, so that a running execution finds the version it was planned with.
 */

import type { Language } from '@deed/proto/template'
import type { Store } from '@deed/store/database'
import type { Template } from '../templates/template-file.ts'

/** The tenant of shared templates. */
const EVERYONE = '*'

export interface StoredTemplate {
  readonly id: string
  readonly version: number
  readonly language: Language | 'any'
  readonly task_type: string
  readonly description: string
  readonly variables: Record<string, string>
  readonly body: string
  readonly file: string | null
}

/**
 * Stores the templates of the files. If a stored version has another body, the file replaces it, and the result names
 * it: its scores belong to the old body.
 */
export async function keepTemplates(
  store: Pick<Store<unknown>, 'query'>,
  templates: readonly Template[],
): Promise<string[]> {
  const rows = templates.map(({ id, version, language, taskType, description, variables, body, file }) => ({
    id,
    version,
    language,
    task_type: taskType,
    description,
    variables,
    body,
    file: file ?? null,
  }))
  const changed = await store.query<{ id: string }>(
    'keep-templates',
    `WITH given AS (
       SELECT * FROM jsonb_to_recordset($2::jsonb) AS t (
         id text, version integer, language text, task_type text, description text, variables jsonb, body text, file text)
     ), before AS (
       SELECT t.id FROM templates t JOIN given g ON g.id = t.id AND g.version = t.version AND g.body <> t.body
       WHERE t.tenant = $1
     ), kept AS (
       INSERT INTO templates AS t (tenant, id, version, language, task_type, description, variables, body, file)
       SELECT $1, id, version, language, task_type, description, variables, body, file FROM given ORDER BY id
       ON CONFLICT (tenant, id, version) DO UPDATE SET
         language = excluded.language, task_type = excluded.task_type, description = excluded.description,
         variables = excluded.variables, body = excluded.body, file = excluded.file
       WHERE (t.language, t.task_type, t.description, t.variables, t.body, t.file)
         IS DISTINCT FROM (excluded.language, excluded.task_type, excluded.description, excluded.variables, excluded.body,
           excluded.file)
     )
     SELECT id FROM before ORDER BY id`,
    [EVERYONE, JSON.stringify(rows)],
  )
  return changed.map(({ id }) => id)
}

/** A version that the files no longer contain; undefined if it never existed. */
export async function findTemplate(
  store: Pick<Store<unknown>, 'query'>,
  id: string,
  version: number,
): Promise<StoredTemplate | undefined> {
  const [row] = await store.query<StoredTemplate>(
    'find-template',
    `SELECT id, version, language, task_type, description, variables, body, file FROM templates
     WHERE tenant = $1 AND id = $2 AND version = $3`,
    [EVERYONE, id, version],
  )
  return row
}
