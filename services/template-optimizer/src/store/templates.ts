/**
 * Every version of a template that was ever loaded, as its text, so that a running execution finds the version it was
 * planned with. Templates of files belong to every tenant, added ones to the tenant that added them.
 */
import type { Store } from '@deed/store/database'
import { readTemplate, type Template } from '../templates/template-file.ts'

/** The tenant of shared templates. */
const EVERYONE = '*'

/**
 * Stores the templates of the files. If a stored version has another text, the file replaces it, and the result names
 * it: its scores belong to the old text.
 */
export async function keepTemplates(
  store: Pick<Store<unknown>, 'query'>,
  templates: readonly Template[],
): Promise<string[]> {
  const changed = await store.query<{ id: string }>(
    'keep-templates',
    `WITH given AS (
       SELECT * FROM jsonb_to_recordset($2::jsonb) AS t (id text, version integer, text text)
     ), before AS (
       SELECT t.id FROM templates t JOIN given g ON g.id = t.id AND g.version = t.version AND g.text <> t.text
       WHERE t.tenant = $1
     ), kept AS (
       INSERT INTO templates AS t (tenant, id, version, text)
       SELECT $1, id, version, text FROM given ORDER BY id
       ON CONFLICT (tenant, id, version) DO UPDATE SET text = excluded.text WHERE t.text <> excluded.text
     )
     SELECT id FROM before ORDER BY id`,
    [EVERYONE, JSON.stringify(templates.map(({ id, version, text }) => ({ id, version, text })))],
  )
  return changed.map(({ id }) => id)
}

/** A version that is no longer in use; undefined if it never existed for this tenant. */
export async function findTemplate(
  store: Pick<Store<unknown>, 'query'>,
  tenant: string,
  id: string,
  version: number,
): Promise<Template | undefined> {
  const [row] = await store.query<{ text: string }>(
    'find-template',
    'SELECT text FROM templates WHERE tenant IN ($1, $2) AND id = $3 AND version = $4 ORDER BY tenant = $1 LIMIT 1',
    [EVERYONE, tenant, id, version],
  )
  return row && readTemplate(row.text, `${id} version ${version}`)
}
