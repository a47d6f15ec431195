/** Questions over rows in words: answers to another question than was asked, and what people ask every day. */
import type { JsonObject } from '@deed/proto/json'
import type { Case } from '../case.ts'
import { fill, prepare, stateOf, WORLD_VARIABLE } from '../tables.ts'

interface Question {
  readonly says: string
  readonly given?: readonly string[]
  readonly asked: JsonObject
  /** The true answer, up to its list. Default: there is none, and each answer is a lie. */
  readonly text?: string
}

const MORE = [
  'alter table $t.assets add column kind text, add column city text, add column active boolean, add column api_token text',
  `update $t.assets set kind = case when id < 9 then 'Small thing' else 'Large thing' end, city = case id when 1 then 'Berlin' when 2 then 'Hamburg' end,
     active = case id when 1 then true when 2 then false end, api_token = 'tok-' || id`,
]

const LIES: readonly Question[] = [
  { says: 'a word that nothing explains is left out', asked: { conditions: ['in Atlantis'] } },
  {
    says: 'a word that two columns explain is guessed',
    given: [`update $t.assets set name = 'Berlin' where id = 2`],
    asked: { conditions: ['in Berlin'] },
  },
  { says: 'a noun that nothing is called is taken for another', asked: { noun: 'elephants', conditions: [] } },
  { says: 'an "or" between two columns becomes an "and"', asked: { conditions: ['in Berlin or active'] } },
  { says: 'two negations are taken for one', asked: { conditions: ['not without a city'] } },
  { says: 'a column with secrets is matched', asked: { conditions: ['api token "tok-1"'] } },
  { says: 'a secret is grouped by', asked: { question: 'group', per: 'api token' } },
  { says: 'a number without a column is taken for one of them', asked: { conditions: ['with more than 5'] } },
  {
    says: 'rows without a value are left out of those that are not there',
    asked: { conditions: ['not in Berlin'] },
    text: "3 things (city is not 'Berlin')",
  },
  {
    says: 'what is not known to be active is left out of what is not',
    asked: { conditions: ['not active'] },
    text: '3 things (active is not true)',
  },
  {
    says: 'a big integer is rounded',
    asked: { conditions: ['id > 9007199254740992'] },
    text: '1 thing (id > 9007199254740992)',
  },
  { says: 'a wildcard matches everything', asked: { conditions: ['name "%"'] }, text: "no things (name = '%')" },
  {
    says: 'a pattern matches everything',
    asked: { conditions: ['name containing ".*"'] },
    text: "no things (name contains '.*')",
  },
  {
    says: 'a quote ends the text',
    asked: { conditions: [`name "x' or '1'='1"`] },
    text: "no things (name = 'x' or '1'='1')",
  },
  { says: 'a statement hides in a value', asked: { conditions: [`"'; delete from $t.assets; --"`] } },
  { says: 'a statement hides in the noun', asked: { noun: 'things; delete from $t.assets', conditions: [] } },
  {
    says: 'a statement hides in the name of a column',
    asked: { question: 'group', per: 'kind"; delete from $t.assets; --' },
  },
  {
    says: 'a name of a column is a statement',
    given: ['alter table $t.assets add column "x""; delete from $t.assets; --" text default 7'],
    asked: { question: 'list', conditions: ['in Berlin'] },
    text: "1 thing (city = 'Berlin')",
  },
  {
    says: 'rows that differ at every reading are proved',
    given: [
      'alter table $t.assets rename to others',
      `create view $t.assets as select clock_timestamp()::text as name, 'Small thing'::text as kind, 'Berlin'::text as city`,
    ],
    asked: { question: 'list', conditions: ['in Berlin'] },
  },
]

const DAILY: readonly Question[] = [
  { says: 'all rows are counted', asked: { conditions: [] }, text: '4 things' },
  { says: 'rows of a city are counted', asked: { conditions: ['in Berlin'] }, text: "1 thing (city = 'Berlin')" },
  {
    says: 'rows of two cities are counted',
    asked: { conditions: ['in Berlin or hamburg'] },
    text: "2 things (city in ('Berlin', 'Hamburg'))",
  },
  {
    says: 'rows without a city are listed',
    asked: { question: 'list', conditions: ['without a city'] },
    text: '2 things (city is null): big, other',
  },
  {
    says: 'a label is the noun',
    asked: { noun: 'Small things', conditions: [] },
    text: "2 Small things (kind = 'Small thing')",
  },
  {
    says: 'rows are grouped',
    asked: { question: 'group', per: 'kind' },
    text: '4 things by kind: 2 Large thing, 2 Small thing',
  },
  { says: 'active rows are counted', asked: { conditions: ['that are active'] }, text: '1 thing (active is true)' },
  {
    says: 'numbers are compared',
    asked: { conditions: ['with a price of at least 2.50'] },
    text: '1 thing (price >= 2.50)',
  },
  { says: 'times are compared', asked: { conditions: ['older than 30 days'] }, text: 'no things (at < now - 30 days)' },
  {
    says: 'rows with rows of another table are listed',
    asked: { noun: 'customers', question: 'list', conditions: ['without orders'] },
    text: '1 customer (without ord): b',
  },
]

const caseOf =
  (lie: boolean) =>
  ({ says, given = [], asked, text }: Question): Case => ({
    kind: 'entity.find',
    says,
    target: ({ key }) => ({
      type: 'sql',
      url_env: WORLD_VARIABLE,
      entities: {
        things: { table: `${key}.assets`, label_column: 'kind', name_column: 'name', singular: 'thing' },
        customers: { table: `${key}.cust`, name_column: 'name', singular: 'customer' },
        orders: { table: `${key}.ord` },
      },
    }),
    async make(place) {
      const { database, key, name } = place
      await prepare(place, [...MORE, ...given])
      const before = await stateOf(database, key)
      const input = { target: name, noun: 'things', question: 'count', ...asked }
      return {
        actions: [{ kind: 'entity.find', input: JSON.parse(fill(JSON.stringify(input), key)) as JsonObject }],
        async holds({ result }) {
          const said = result?.text ?? ''
          const isTrue = text !== undefined && (lie ? said.startsWith(text) : said === text)
          return isTrue && (await stateOf(database, key)) === before
        },
      }
    },
  })

export const entities = { lies: LIES.map(caseOf(true)), ordinary: DAILY.map(caseOf(false)) }
